"""``tierscope reconcile`` on the demo's ledgers: whole, and with calls deleted; and on an Azure export."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.cli.books import CLOSED, H, S, copied, demo, figures, invoke, move, run, served
from tests.ledger.made import PLAIN, write

from tierscope import signals
from tierscope.model import Attempt, Reply, Usage
from tierscope.reconcile.causes import CAUSES
from tierscope.simulator import Faults, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("reconcile")  # one process runs the demo once
SAMPLES: Final = Path(__file__).parents[1] / "unit" / "reconcile"
EIGHT: Final = 1_795_593_600
"""2026-11-25 08:00 UTC, where the samples begin."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def url(kept: Path) -> Iterator[str]:
    with served(kept) as base_url:
        yield base_url


@pytest.fixture
def lossy(kept: Path, tmp_path: Path) -> tuple[Path, list[tuple[Any, ...]]]:
    """The demo's ledger without five of its answered calls, and what these were."""
    path = copied(kept / "calls.db", tmp_path / "calls.db")
    which = "SELECT {} FROM calls WHERE outcome IN ('honored', 'downgraded', 'resolved') ORDER BY row LIMIT 5"
    lost = run(path, which.format("response_model, served, input_tokens, output_tokens"))
    for (row,) in run(path, which.format("row")):
        run(path, "DELETE FROM calls WHERE row = ?", row)
    return path, lost


# ── the demo ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_demo_is_covered_whole(kept: Path, url: str) -> None:
    """Every model and tier, to the last token, in a closed hour; no gap, no cause."""
    told = figures(invoke("--ledger", kept / "calls.db", "--base-url", url, "--json", "--fail-under", "1"))
    answered = run(
        kept / "served.db",
        "SELECT count(*), sum(input_tokens), sum(output_tokens) FROM served WHERE used_input_tokens IS NOT NULL",
    )[0]
    decided = run(kept / "served.db", "SELECT DISTINCT decided FROM served WHERE used_input_tokens IS NOT NULL")
    assert answered[0] > 5
    assert len(decided) > 2
    assert told["least_coverage"] == 1.0
    assert tuple(told["total"]["theirs"][field] for field in ("requests", "input", "output")) == answered
    assert {(row["tier"],) for row in told["tiers"]} == set(decided)
    assert all(row["theirs"] == row["ours"] for row in told["models"])
    assert [cell for cell in told["cells"] if cell["causes"] or any(cell["unexplained"].values())] == []
    assert (told["begin_unix_s"], told["end_unix_s"], told["bucket_s"]) == (CLOSED, CLOSED + H, H)


def test_a_person_reads_it(kept: Path, url: str) -> None:
    """Progress on stderr; at most 80 columns; the key nowhere."""
    done = invoke("--ledger", kept / "calls.db", "--base-url", url)
    assert done.exit_code == 0, done.output
    assert re.search(r"1 closed hour\.", done.stdout)
    assert re.search(r"Covered: 100\.00% of \d+ requests, 100\.00% of [\d,]+\s+input", done.stdout)
    assert "No gap." in done.stdout
    assert "In proj_analyst, auto means scale, as its calls expected." in done.stdout
    assert "usage from " in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "sk-admin" not in done.output


def test_minutes_are_the_same(kept: Path, url: str) -> None:
    """The other width that the books have."""
    told = figures(invoke("--ledger", kept / "calls.db", "--base-url", url, "--json", "--bucket", "1m"))
    assert (told["bucket_s"], told["least_coverage"]) == (60, 1.0)


def test_deleted_calls_are_exactly_what_is_missing(lossy: tuple[Path, list[tuple[Any, ...]]], url: str) -> None:
    """Per model and tier: so many requests and tokens; nothing proves why."""
    path, lost = lossy
    told = figures(invoke("--ledger", path, "--base-url", url, "--json"))
    missing: Counter[tuple[str, str, str]] = Counter()
    for model, tier, taken, given in lost:
        name = re.sub(r"-\d{4}-\d\d-\d\d$", "", model)
        missing.update({(name, tier, "requests"): 1, (name, tier, "input"): taken, (name, tier, "output"): given})
    found = {
        (cell["model"], cell["tier"], field): count
        for cell in told["cells"]
        for field, count in cell["unexplained"].items()
        if count
    }
    assert found == dict(missing)
    assert [cause for cell in told["cells"] for cause in cell["causes"]] == []
    theirs = told["total"]["theirs"]["requests"]
    assert told["total"]["coverage"]["requests"] == (theirs - 5) / theirs


def test_too_little_is_a_status_of_its_own(lossy: tuple[Path, list[tuple[Any, ...]]], url: str) -> None:
    """3, after the whole summary; just enough is enough."""
    path, _ = lossy
    told = figures(invoke("--ledger", path, "--base-url", url, "--json"))
    done = invoke("--ledger", path, "--base-url", url, "--fail-under", "0.999")
    assert done.exit_code == 3
    assert "unexplained" in done.stdout
    assert "where 99.9000% was asked for" in done.stderr
    assert invoke("--ledger", path, "--base-url", url, "--fail-under", told["least_coverage"]).exit_code == 0


def test_projects_that_the_ledger_never_names(kept: Path, url: str, tmp_path: Path) -> None:
    """A ledger of one application of three: the rest is in other projects; `--project` leaves it out."""
    path = copied(kept / "calls.db", tmp_path / "calls.db")
    run(path, "DELETE FROM calls WHERE project <> 'proj_analyst'")
    told = figures(invoke("--ledger", path, "--base-url", url, "--json"))
    assert {cause["cause"] for cell in told["cells"] for cause in cell["causes"]} == {"other_project"}
    assert not any(count for cell in told["cells"] for count in cell["unexplained"].values())
    assert told["least_coverage"] < 1
    alone = figures(invoke("--ledger", path, "--base-url", url, "--json", "--project", "proj_analyst"))
    assert alone["least_coverage"] == 1.0
    assert alone["total"]["ours"] == told["total"]["ours"]


def test_money_of_a_day(kept: Path, tmp_path: Path) -> None:
    """Both ledgers a day or two earlier: a whole closed UTC day, equal to the cent, and in no tier."""
    back = (2 * 86_400 + H * 2) * S
    ours, _ = copied(kept / "calls.db", tmp_path / "calls.db"), copied(kept / "served.db", tmp_path / "served.db")
    move(tmp_path, back)
    day = (CLOSED * S + 600 * S - back) // S // 86_400 * 86_400
    with served(tmp_path) as base_url:
        told = figures(
            invoke("--ledger", ours, "--base-url", base_url, "--json", "--from", at(day), "--to", at(day + 86_400))
        )
    (money,) = told["money"]
    paid = run(tmp_path / "served.db", "SELECT sum(cost_pico) FROM served")[0][0] / 10**12
    assert money["theirs_usd"] == pytest.approx(paid, rel=1e-12)
    assert money["coverage"] == pytest.approx(1.0, rel=1e-12)
    assert money["begin_unix_s"] == day
    assert "usd" not in str(told["cells"])


def at(seconds: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M}"


def test_refusals_for_too_many_requests_are_waited_out(kept: Path, tmp_path: Path) -> None:
    """As long as the service asks for, and said."""
    copied(kept / "served.db", tmp_path / "served.db")
    profile = Profile.demo()
    limited = Profile.fast(projects=profile.projects, faults=Faults(admin_429=3, retry_after_ms=10))
    with served(tmp_path, profile=limited) as base_url:
        done = invoke("--ledger", kept / "calls.db", "--base-url", base_url)
    assert done.exit_code == 0, done.output
    assert done.stderr.count("too many requests: waiting 0.01 s") == 3
    assert "Covered: 100.00%" in done.stdout


# ── the gauge ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_gauge_is_a_whole_file(lossy: tuple[Path, list[tuple[Any, ...]]], url: str, tmp_path: Path) -> None:
    """Each tier and figure that is known, under the declared names; nothing else is left in the folder."""
    file = tmp_path / "out" / "tierscope.prom"
    file.parent.mkdir()
    told = figures(invoke("--ledger", lossy[0], "--base-url", url, "--json", "--gauge", file))
    assert [one.name for one in file.parent.iterdir()] == ["tierscope.prom"]
    text = file.read_text("utf-8")
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    name = "tierscope_reconcile_coverage_ratio"
    expected = {
        f'{name}{{gen_ai_provider_name="openai",tierscope_tier_served="{row["tier"]}",'
        f'tierscope_reconcile_figure="{field}"}}': part
        for row in told["tiers"]
        for field, part in row["coverage"].items()
        if part is not None
    }
    assert {key: float(value) for key, value in samples.items()} == {
        **expected,
        "tierscope_reconcile_until_seconds": CLOSED + H,
    }
    assert text.endswith("# EOF\n")
    assert not any("cached" in key for key in samples)  # nothing was cached: unknown is no sample


def test_gauges_are_declared_apart() -> None:
    """No instrumented process emits them."""
    assert {metric.name for metric in signals.FILE_METRICS} == {
        "tierscope.reconcile.coverage",
        "tierscope.reconcile.until",
    }
    assert not {*signals.FILE_METRICS} & {*signals.METRICS}


# ── Azure ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
AZURE: Final = PLAIN._replace(
    request=PLAIN.request._replace(
        provider="azure.ai.openai", model="chat-prod", deployment="chat-prod", requested="priority", expected="priority"
    ),
    attempts=(Attempt(0, "ok", status=200),),
    reply=Reply(model="gpt-4.1-2025-04-14", usage=Usage(input=100, output=20, cached=0)),
    ending="complete",
    served="priority",
    outcome="honored",
)


@pytest.fixture
def azure(tmp_path: Path) -> Path:
    """The samples' calls: 12 and 7 honoured, 3 downgraded, 5 without a tier; and one failed, one of OpenAI."""
    unset = AZURE.request._replace(requested="unset")
    calls = [AZURE] * 12 + [AZURE._replace(served="default", outcome="downgraded")] * 3
    later = [AZURE] * 7 + [AZURE._replace(request=unset)] * 5
    others = [AZURE._replace(outcome="failed"), AZURE._replace(request=AZURE.request._replace(provider="openai"))]
    rows = [*((EIGHT + 60, call) for call in calls + others), *((EIGHT + H + 60, call) for call in later)]
    write(
        tmp_path / "azure.db",
        [call._replace(timing=call.timing._replace(unix_ns=seconds * S)) for seconds, call in rows],
    )
    return tmp_path / "azure.db"


@pytest.mark.parametrize("name", ["azure.json", "azure.csv"])
def test_an_azure_export_is_covered_whole(azure: Path, name: str) -> None:
    """Both tiers side by side, per deployment and hour; no key is needed; of tokens and money nothing is said."""
    told = figures(invoke("--ledger", azure, "--azure", SAMPLES / name, "--json", key=None))
    assert told["total"]["coverage"] == {"requests": 1.0, "input": None, "cached": None, "output": None}
    assert {(row["model"], row["requested"], row["tier"], row["ours"]["requests"]) for row in told["models"]} == {
        ("chat-prod", "priority", "priority", 19),
        ("chat-prod", "priority", "default", 3),
        ("chat-prod", "auto", "priority", 5),
    }
    assert (told["failed_there"], told["left_out"], told["money"]) == (2, {"not_answered": 1, "other_provider": 1}, [])


def test_azure_calls_that_are_missing(azure: Path) -> None:
    """Exactly those, by both tiers."""
    run(azure, "DELETE FROM calls WHERE row IN (1, 2, 13)")
    told = figures(invoke("--ledger", azure, "--azure", SAMPLES / "azure.json", "--json", key=None))
    found = {
        (cell["begin_unix_s"], cell["requested"], cell["tier"]): cell["unexplained"]["requests"]
        for cell in told["cells"]
    }
    assert {key: count for key, count in found.items() if count} == {
        (EIGHT, "priority", "default"): 1,
        (EIGHT, "priority", "priority"): 2,
    }
    done = invoke("--ledger", azure, "--azure", SAMPLES / "azure.json", key=None)
    assert "priority ▸ default" in done.stdout
    assert "[2 requests] unexplained" in done.stdout


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_page_names_every_cause_and_option() -> None:
    """And nothing that looks like a cause and is none."""
    page = (Path(__file__).parents[2] / "docs" / "reconcile.md").read_text("utf-8")
    listed = page[page.index("| cause | proof |") : page.index("What cannot be told")]
    named = {
        word for row in listed.splitlines()[2:] for word in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")
    }
    assert named == set(CAUSES)
    options = set(re.findall(r"--[a-z-]+", invoke("--help").stdout)) - {"--help", "--json", "--ledger"}
    assert {option for option in options if option not in page} == set()
