"""The figures of ``tierscope statement``, from a real ledger, against sums made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.months import BEGIN, GOOD, NOVEMBER, S, at, written
from tests.ledger.made import write
from tests.unit.promise.made import TARGET, Targets

from tierscope.cli.claim import told
from tierscope.cli.statement import Choice, make
from tierscope.model import Attempt, Reply, Speed, Usage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A month."""
    return written(tmp_path / "calls.db")


def figures(path: Path, **choice: Any) -> dict[str, Any]:
    return told(make(path, NOVEMBER, Choice(**choice), Targets()))


def test_the_figures_of_a_month(path: Path) -> None:
    """By hand: calls that count by generation are 5 + 70 + 81 + 1; windows 00:00, 00:10 and 23:55 of the last day.

    Generation: 7 of 8 requests; the window at 00:10 has 70 and 81, of which half is at most 80: 2 of 3 windows. End to
    end 70 and 60 miss: 6 of 8, and the same windows. Of 13 attempts 10 answered, one 500, one 429, one time-out apart:
    11 of 12.
    """
    found = figures(path)
    (section,) = found["sections"]
    assert found["calls"] == section["calls"] == 11
    assert (found["first_unix_ns"], found["last_unix_ns"]) == (BEGIN, BEGIN + 43_199 * 60 * S)
    windows = {"of": 3, "met": 2, "missed": 1, "share": 2 / 3, "needed": 0.99, "kept": False}
    left_out = {"failed": 1, "other_tier": 1, "consumer_limited": 1}
    for basis, met in (("generation", 7), ("end_to_end", 6)):
        told_speed = section["speed"][basis]
        assert told_speed["windows"] == windows
        assert told_speed["thin_windows"]["of"] == 2
        assert told_speed["requests"] == {
            "of": 8, "met": met, "missed": 8 - met, "share": met / 8, "needed": 0.99, "kept": False
        }  # fmt: skip
        assert told_speed["excluded"] == left_out
    assert section["uptime"] == {
        "of": 12,
        "met": 11,
        "missed": 1,
        "share": 11 / 12,
        "needed": 0.999,
        "kept": False,
        "attempts": 13,
        "errors": {"server_error": 1},
        "apart": {"timeout": 1},
        "kinds": {"ok": 10, "rate_limited": 1, "server_error": 1, "timeout": 1},
    }
    assert section["target"] == TARGET._asdict()


def test_time_outs_count_if_they_are_to(path: Path) -> None:
    """13 attempts then, 11 of them good."""
    (section,) = figures(path, counted=("timeout",))["sections"]
    assert (section["uptime"]["met"], section["uptime"]["of"]) == (11, 13)
    assert section["uptime"]["errors"] == {"server_error": 1, "timeout": 1}


def test_other_windows_and_fewest_calls(path: Path) -> None:
    """By the minute there are eight windows, all thin at 2; only that of the 70 is missed."""
    (section,) = figures(path, window_s=60, min_samples=2)["sections"]
    speed = section["speed"]["generation"]
    assert (speed["window_s"], speed["windows"]["of"], speed["windows"]["missed"]) == (60, 8, 1)
    assert (speed["thin_windows"]["of"], speed["thin_windows"]["missed"]) == (8, 1)


def test_a_background_response_counts_once_with_the_attempts_of_both_calls(tmp_path: Path) -> None:
    """The create was tried twice, the final fetch once; the fetches before it brought nothing."""
    queued = Reply(response_id="r1", model="gpt-4.1", is_background=True, is_usage_new=False, response_status="queued")
    background = GOOD.request._replace(endpoint="responses", is_background=True)
    create = at(
        0,
        request=background,
        reply=queued,
        attempts=(Attempt(0, "server_error", status=500), Attempt(0, "ok", status=200)),
        outcome="unverified",
        speed=Speed(),
    )
    fetch = background._replace(operation="fetch_response", requested="unreported", expected=None)
    poll = at(1, request=fetch, reply=queued, outcome="unverified", speed=Speed())
    done = at(
        2,
        request=fetch,
        reply=queued._replace(is_usage_new=True, response_status="completed", usage=Usage(input=5, output=500)),
        outcome="resolved",
        speed=Speed(),
    )
    write(tmp_path / "calls.db", [create, poll, done, at(3, create, reply=queued._replace(response_id="r2"))])
    (section,) = figures(tmp_path / "calls.db")["sections"]
    assert section["calls"] == 2
    assert (section["uptime"]["met"], section["uptime"]["of"]) == (3, 5)
    assert section["speed"]["generation"]["excluded"] == {"unverified": 1, "no_rate": 1}


def test_endpoints_without_tiers_are_no_calls_of_it(tmp_path: Path) -> None:
    """A project's default does not make an embedding a promise."""
    other = GOOD.request._replace(operation="embeddings", endpoint="embeddings")
    write(tmp_path / "calls.db", [at(0), at(1, request=other, served="unreported", outcome="unreported")])
    assert figures(tmp_path / "calls.db")["calls"] == 1


@pytest.mark.parametrize("choice", [{"model": "gpt-4.1"}, {"model": "gpt-4.1-2025-04-14"}, {"provider": "openai"}])
def test_sections_are_chosen_by_provider_and_any_name_of_the_model(path: Path, choice: dict[str, str]) -> None:
    write(path, [at(1, request=GOOD.request._replace(model="gpt-9", provider="azure.ai.openai"), reply=None)])
    assert len(figures(path)["sections"]) == 2
    assert [section["model"] for section in figures(path, **choice)["sections"]] == ["gpt-4.1"]
