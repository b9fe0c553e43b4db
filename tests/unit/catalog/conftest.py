"""A user's file for each test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tierscope.catalog import own


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file of these sections, and return its path."""

    def written(name: str = "own.json", **sections: Any) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"schema": own.SCHEMA, **sections}))
        return str(path)

    return written
