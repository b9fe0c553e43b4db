"""One Prometheus with its data, for all tests of the folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import pytest

from tests.grafana.asked import Asked, served


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Fill blocks once, and serve them."""
    place = tmp_path_factory.mktemp("grafana")
    with served(place, int(time.time()) // 300 * 300 - 300) as asked:
        yield asked
    shutil.rmtree(place)
