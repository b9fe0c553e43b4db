"""The neighbour is what a leg lays over the environment and names; without one there is nothing to look at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.beside.neighbours import NEIGHBOURS, Processes

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = os.environ.get("TIERSCOPE_TEST_NEIGHBOUR")
collect_ignore = [] if NAME else ["test_side_by_side.py", "test_told.py"]


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Run every process of the neighbour."""
    running = Processes(NEIGHBOURS[NAME or ""], tmp_path_factory.mktemp("beside"))
    yield running
    running.close()
