"""``tierscope doctor``: what it says of an environment, and that it says no more than that."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from tierscope.cli import checks
from tierscope.cli.checks import Finding
from tierscope.cli.commands import tierscope
from tierscope.cli.neighbours import HTTP, NEIGHBOURS, Present
from tierscope.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.testing import Result

OFFICIAL, TRACELOOP, OPENINFERENCE, LANGFUSE = (neighbour.package for neighbour in NEIGHBOURS[:4])
NEVER: Final = Settings()


def doctor(*options: str, **env: str | None) -> Result:
    """Run the command in an environment without settings but these."""
    clean = {key: None for key in os.environ if key.startswith(("OTEL_", "TIERSCOPE_"))}
    return CliRunner().invoke(tierscope, ["doctor", *options], env={**clean, "COLUMNS": "200", **env})


def words(found: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return each finding's word and subject."""
    return [(finding.word, finding.subject) for finding in found]


def present(*packages: str, disabled: tuple[str, ...] = (), **points: str) -> Present:
    """Return an environment with these packages; those of entry point ``openai`` claim it."""
    claims = tuple(p for p in packages if p.endswith("openai"))
    found = {"tierscope": ("tierscope",), **({"openai": claims} if claims else {})}
    return Present(
        dict.fromkeys(packages, "1.0"), {**found, **{k: (v,) for k, v in points.items()}}, frozenset(disabled)
    )


def test_an_environment_without_settings_is_fine() -> None:
    """Status 0; Python, openai and the launcher are ok, what is only absent is a note."""
    result = doctor("--json")
    told = {finding["subject"]: finding["word"] for finding in json.loads(result.stdout)}
    assert (result.exit_code, {told[s] for s in ("Python", "openai", "settings", "launcher")}) == (0, {"ok"})
    assert {told[s] for s in ("OpenTelemetry", "stream usage", "ledger")} == {"note"}


def test_the_text_says_what_the_json_says() -> None:
    """Every subject, text and remedy, and the sum of it in the end."""
    printed, found = doctor().stdout, json.loads(doctor("--json").stdout)
    flat = " ".join(printed.split())
    for finding in found:
        for told in (f"{finding['word']} {finding['subject']}: ", finding["text"], *finding["remedies"]):
            assert " ".join(told.split()) in flat
    assert printed.splitlines()[-1] == "Tierscope works here."


BAD: Final[list[Any]] = [
    pytest.param(
        {"TIERSCOPE_STREAM_USAGE": "odd"}, "TIERSCOPE_STREAM_USAGE", "use one of never, auto, always", id="word"
    ),
    pytest.param({"TIERSCOPE_TRUSTED_HOSTS": "h=opnai"}, "TIERSCOPE_TRUSTED_HOSTS", "use one of _OTHER", id="provider"),
    pytest.param({"TIERSCOPE_ENABLED": "off"}, "TIERSCOPE_ENABLED", "unset TIERSCOPE_ENABLED", id="off"),
    pytest.param(
        {"TIERSCOPE_CATALOG": "/nowhere/own.json"}, "TIERSCOPE_CATALOG", "own.json: file: path=", id="catalog"
    ),
    pytest.param({"TIERSCOPE_POLICY": "/nowhere/own.toml"}, "TIERSCOPE_POLICY", "own.toml: file: path=", id="policy"),
    pytest.param({"TIERSCOPE_LEDGER": "/nowhere/calls.db"}, "TIERSCOPE_LEDGER", "name a file in a folder", id="ledger"),
    pytest.param(
        {"OTEL_METRICS_EXPORTER": "odd"}, "OTEL_METRICS_EXPORTER", "pip install opentelemetry-distro", id="export"
    ),
    pytest.param(
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "x, tierscope"}, "launcher", "take tierscope out", id="left-out"
    ),
    pytest.param({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}, "launcher", "take tierscope out", id="all-left-out"),
]


@pytest.mark.parametrize(("env", "subject", "remedy"), BAD)
def test_what_must_be_mended_is_named_with_its_remedy(env: dict[str, str], subject: str, remedy: str) -> None:
    """Status 1, one bad finding, on the right subject."""
    result = doctor("--json", **env)
    bad = [finding for finding in json.loads(result.stdout) if finding["word"] == "bad"]
    assert (result.exit_code, [finding["subject"] for finding in bad]) == (1, [subject])
    assert bad[0]["remedies"][0].startswith(remedy)
    assert doctor(**env).stdout.splitlines()[-1].rstrip() == "Something must be mended before Tierscope works here."


def test_every_bad_setting_is_named_at_once() -> None:
    """The first one hides no other, and what can be read is read."""
    settings, broken = checks.read({"TIERSCOPE_GENAI_METRICS": "maybe", "TIERSCOPE_DEFAULT_TIER": "best", **LEDGER})
    assert [finding.subject for finding in broken] == ["TIERSCOPE_DEFAULT_TIER", "TIERSCOPE_GENAI_METRICS"]
    assert settings.ledger == "calls.db"


LEDGER: Final = {"TIERSCOPE_LEDGER": "calls.db"}
READ: Final[list[Any]] = [
    pytest.param({}, [("ok", "settings", "all at their defaults.")], id="none"),
    pytest.param({"TIERSCOPE_LEDGER": " "}, [("ok", "settings", "all at their defaults.")], id="empty"),
    pytest.param(LEDGER, [("ok", "settings", "TIERSCOPE_LEDGER=calls.db (environment).")], id="one"),
    pytest.param(
        {"TIERSCOPE_STREAMUSAGE": "auto"},
        [
            ("warn", "TIERSCOPE_STREAMUSAGE", "is no setting, and has no effect."),
            ("ok", "settings", "all at their defaults."),
        ],
        id="misspelt",
    ),
]


@pytest.mark.parametrize(("env", "expected"), READ)
def test_settings_are_told_as_read(env: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    """Those of the environment by name and value; a name that is nearly one of ours is no setting."""
    found = checks.settings_read(env, NEVER, set())
    assert [(finding.word, finding.subject, finding.text) for finding in found] == expected


def test_every_variable_of_the_settings_is_known() -> None:
    """The names derive from the fields; each is one that the settings really read."""
    for key in checks.variables():
        _, broken = checks.read({key: "\0="})
        settings, _ = checks.read({key: "\0="})
        assert broken or settings != NEVER, key


def test_a_method_that_this_openai_lost_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest works without it; its name says what will be unknown."""
    monkeypatch.delattr("openai._base_client.BaseClient._should_retry")
    (found,) = checks.client()
    assert (found.word, "without BaseClient._should_retry:" in found.text) == ("warn", True)


def test_an_openai_that_cannot_be_imported_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed, but broken: said, not raised."""
    monkeypatch.setitem(sys.modules, "openai._streaming", None)
    (found,) = checks.client()
    assert (found.word, "cannot be imported" in found.text) == ("bad", True)


EXPORT: Final[list[Any]] = [
    pytest.param({}, "note", "http://localhost:4317", id="nothing"),
    pytest.param({"OTEL_TRACES_EXPORTER": "console"}, "ok", "traces to console, metrics to otlp", id="half"),
    pytest.param({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}, "ok", "traces to none", id="none"),
    pytest.param({"OTEL_SDK_DISABLED": "true"}, "warn", "nothing is exported", id="disabled"),
]


@pytest.mark.parametrize(("env", "word", "part"), EXPORT)
def test_where_telemetry_goes_is_said(env: dict[str, str], word: str, part: str) -> None:
    """By what the environment names; the launcher's own default where it names nothing."""
    (found,) = checks.telemetry(env)
    assert (found.word, part in found.text) == (word, True), found.text


def test_no_secret_is_printed() -> None:
    """Keys, headers and what a URL carries beside its host stay out of both outputs."""
    hidden = "s3cr3t"
    env = {
        "OPENAI_API_KEY": hidden,
        "AZURE_OPENAI_API_KEY": hidden,
        "LANGFUSE_SECRET_KEY": hidden,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={hidden}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://me:{hidden}@collector.example:4318/{hidden}?key={hidden}",
        "OTEL_TRACES_EXPORTER": "otlp",
        "TIERSCOPE_TOKEN": hidden,
    }
    for options in ((), ("--json",)):
        told = doctor(*options, **env).stdout
        assert "https://collector.example:4318" in told
        assert hidden not in told


BESIDE: Final[list[Any]] = [
    pytest.param(present(OFFICIAL), NEVER, [("note", 0)], None, id="official"),
    pytest.param(present(TRACELOOP), NEVER, [("warn", 2)], (2, 2), id="traceloop"),
    pytest.param(present(TRACELOOP), Settings(genai_metrics=False), [("warn", 1)], (2, 0), id="genai-off"),
    pytest.param(present(TRACELOOP, disabled=("openai",)), NEVER, [("ok", 0)], None, id="left-out"),
    pytest.param(present(OPENINFERENCE), NEVER, [("warn", 1)], (2, 0), id="openinference"),
    pytest.param(present(LANGFUSE), NEVER, [("note", 1)], None, id="langfuse"),
    pytest.param(present(HTTP, httpx=HTTP), NEVER, [("note", 1)], None, id="http"),
    pytest.param(present(OFFICIAL, TRACELOOP), NEVER, [("note", 0), ("warn", 1), ("note", 0)], (2, 2), id="two"),
    pytest.param(
        present(OFFICIAL, TRACELOOP, OPENINFERENCE), NEVER,
        [("note", 0), ("warn", 1), ("warn", 1), ("note", 0)], (3, 2), id="three",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("there", "settings", "expected", "times"), BESIDE)
def test_neighbours_are_named_with_what_ends_their_doubles(
    there: Present, settings: Settings, expected: list[tuple[str, int]], times: tuple[int, int] | None
) -> None:
    """Each package's word and number of remedies, the shared entry point, and the sum of spans and GenAI metrics."""
    found = list(checks.neighbours(there, settings))
    assert [(finding.word, len(finding.remedies)) for finding in found] == expected
    sums = [finding.text for finding in checks.together(there, settings)]
    spans, genai = times or (0, 0)
    assert [f"is {spans} spans" in text for text in sums] == ([True] if spans else [])
    assert [f"recorded {genai} times" in text for text in sums] == ([genai > 0] if spans else [])


def test_http_spans_that_cannot_be_made_are_a_warning() -> None:
    """Asked for without the package that makes them; with it, or not asked for, there is nothing to say."""
    asked = Settings(http=True)
    assert words(checks.attempts(present(), asked)) == [("warn", "TIERSCOPE_HTTP")]
    assert words([*checks.attempts(present(HTTP), asked), *checks.attempts(present(), NEVER)]) == []


def test_a_package_nobody_knows_is_named_too() -> None:
    """Whoever claims an entry point of openai's may double; and two that share one can only leave together."""
    there = present(TRACELOOP, "acme-openai")
    found = list(checks.neighbours(there, NEVER))
    assert words(found)[1:] == [("warn", "acme-openai"), ("note", "entry point openai")]
    assert f"{TRACELOOP} and acme-openai" in found[-1].text


def test_a_ledger_that_can_be_written_is_fine(tmp_path: Path) -> None:
    """One that is not there yet, and nothing is created by looking."""
    path = tmp_path / "calls.db"
    assert words(checks.ledger(Settings(ledger=str(path)))) == [("ok", "ledger")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["text", "foreign", "folder"])
def test_a_file_that_is_no_ledger_is_bad(tmp_path: Path, what: str) -> None:
    """Text, another application's database, a folder: named with its path, and untouched."""
    path = tmp_path / "calls.db"
    if what == "folder":
        path.mkdir()
    elif what == "text":
        path.write_text("no database" * 100)
    else:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE theirs (a)")
        db.close()
    (found,) = checks.ledger(Settings(ledger=str(path)))
    assert (found.word, found.subject) == ("bad", "TIERSCOPE_LEDGER")


def test_the_python_is_the_one_that_runs() -> None:
    """Its path is named: tierscope must be installed where the program runs."""
    assert [sys.executable in finding.text for finding in checks.python()] == [True]
