"""What users' own tests are given: captured calls, and a file to compare them with."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sdk import replies
from tests.sdk.conftest import CHAT, TRUSTED, Service

from tierscope import testing
from tierscope.model import Call


def calls_served(service: Service, tier: str) -> list[Call]:
    """Capture one priority call that the given tier serves."""
    client = service.client(replies.whole(replies.chat(tier)))
    with testing.capture(TRUSTED) as calls:
        client.chat.completions.create(**CHAT, service_tier="priority")
    return calls


def test_golden_records_first_and_compares_afterwards(service: Service, tmp_path: Path) -> None:
    """The first run records and fails; an equal run passes; a downgrade is shown as a difference."""
    file = tmp_path / "routing.json"
    with pytest.raises(AssertionError, match="was recorded"):
        testing.golden(calls_served(service, "priority"), file)
    testing.golden(calls_served(service, "priority"), file)
    with pytest.raises(AssertionError, match=r'-    "outcome": "honored"(?s:.)*\+    "outcome": "downgraded"'):
        testing.golden(calls_served(service, "default"), file)


def test_the_file_holds_nothing_that_changes_from_run_to_run(service: Service, tmp_path: Path) -> None:
    """No id, no time, no content."""
    file = tmp_path / "routing.json"
    with pytest.raises(AssertionError, match="was recorded"):
        testing.golden(calls_served(service, "priority"), file)
    text = file.read_text("utf-8")
    assert '"requested": "priority"' in text
    assert not any(word in text for word in ("chatcmpl", "_ns", "127.0.0.1", '"hi"'))
