"""What the tests of this folder need: Go, to build Prometheus and the checker of schemas."""

from __future__ import annotations

import os
import shutil
from typing import Final

import pytest

MARKS: Final = [pytest.mark.timeout(400), pytest.mark.xdist_group("grafana")]
if shutil.which("go") is None and os.environ.get("CI") != "1":
    MARKS.append(pytest.mark.skip(reason="no `go` on the path: what these tests ask is built from Go modules"))
