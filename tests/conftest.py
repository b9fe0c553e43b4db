"""Every test starts uninstrumented, strict, and with no counts left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tierscope import guard
from tierscope.emit import emitter
from tierscope.wiring import WIRING

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def clean_process() -> Iterator[None]:
    """Let internal errors through, and leave no instrumentation behind."""
    guard.reset(strict=True)
    yield
    WIRING.deactivate()
    emitter._made.clear()  # of the providers of this test, which would all be flushed after each of the next
    guard.reset()
