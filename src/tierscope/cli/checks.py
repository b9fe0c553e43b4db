"""What ``tierscope doctor`` looks at: one function a subject, each tells what it found and what helps."""

from __future__ import annotations

import dataclasses
import difflib
import os
import platform
import shutil
import sqlite3
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from tierscope import seam, wiring
from tierscope.cli.neighbours import DISABLED, HTTP, METRICS_OFF, NEIGHBOURS, OURS, look
from tierscope.config import SettingError, Settings
from tierscope.ledger import LedgerError
from tierscope.ledger.store import open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tierscope.cli.neighbours import Neighbour, Present

Word = Literal["ok", "note", "warn", "bad"]
"""``bad``: Tierscope is off, or a setting is; ``warn``: something is lost or there twice; ``note``: good to know."""
PREFIX: Final = "TIERSCOPE_"
LAUNCHER: Final = "opentelemetry-instrument"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    word: Word
    subject: str
    text: str
    remedies: tuple[str, ...] = ()


def findings(environ: Mapping[str, str]) -> list[Finding]:
    """Look at everything; what cannot be looked at is a finding too."""
    settings, broken = read(environ)
    present = look(environ)
    return [
        *python(),
        *client(),
        *broken,
        *settings_read(environ, settings, {finding.subject for finding in broken}),
        *telemetry(environ),
        *launcher(present),
        *neighbours(present, settings),
        *together(present, settings),
        *attempts(present, settings),
        *stream_usage(settings),
        *ledger(settings),
    ]


# ── the client ────────────────────────────────────────────────────────────────────────────────────────────────────
def python() -> Iterator[Finding]:
    """Say which Python this is: the program's own must be the same."""
    yield Finding("ok", "Python", f"{platform.python_version()}, {sys.executable}")


def client() -> Iterator[Finding]:
    """Say which openai is installed, and whether every method is there that the seam patches."""
    try:
        version = metadata.version("openai")
    except metadata.PackageNotFoundError:
        yield Finding("bad", "openai", "not installed in this Python.", ("pip install openai",))
        return
    supported = wiring.INSTRUMENTS[0]
    if not wiring.supports(version):
        yield Finding("bad", "openai", f"{version}; supported is {supported}.", (f"pip install '{supported}'",))
    else:
        yield _patched(version)


def _patched(version: str) -> Finding:
    try:
        missing = seam.missing()
    except ImportError as error:
        return Finding("bad", "openai", f"cannot be imported: {error}.", ("pip install --force-reinstall openai",))
    if missing:
        text = f"{version}, without {', '.join(missing)}: what they tell stays unknown."
        return Finding("warn", "openai", text, ("pip install --upgrade tierscope",))
    return Finding("ok", "openai", f"{version}, supported; every patched method is there.")


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────
def read(environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    """Read the settings; each that cannot be used is a finding, and left out."""
    env, broken = dict(environ), []
    while True:
        try:
            settings = Settings.from_env(env)
            wiring.check(settings)
        except SettingError as error:
            broken.append(
                Finding("bad", error.key, f"{error.value!r} cannot be used: Tierscope is off.", (error.remedy,))
            )
            del env[error.key]
        else:
            return settings, broken


def variables() -> dict[str, str]:
    """Return the variables of the settings, and the fields that hold them; the service's are OpenTelemetry's."""
    return {f"{PREFIX}{name.upper()}": name for name in Settings._fields if name != "service"}


def settings_read(environ: Mapping[str, str], settings: Settings, broken: set[str]) -> Iterator[Finding]:
    """Say what is set and what it was read as; a name that is none of ours has no effect."""
    known = variables()
    given = {key: environ[key] for key in sorted(environ) if key.startswith(PREFIX)}
    for key in sorted(given.keys() - known.keys()):
        near = difflib.get_close_matches(key, known, 1)
        yield Finding("warn", key, "is no setting, and has no effect.", tuple(f"did you mean {name}?" for name in near))
    read_as = [f"{key}={given[key]}" for key in known if given.get(key, "").strip() and key not in broken]
    rest = "the others" if broken else "all"
    told = f"{', '.join(read_as)} (environment)." if read_as else f"{rest} at their defaults."
    yield Finding("ok", "settings", told)
    if not settings.enabled:
        yield Finding("bad", "TIERSCOPE_ENABLED", "Tierscope is off.", ("unset TIERSCOPE_ENABLED",))


# ── OpenTelemetry ─────────────────────────────────────────────────────────────────────────────────────────────────
def telemetry(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say where the environment sends telemetry; what a program configures itself is not seen from here."""
    subject = "OpenTelemetry"
    if not _is_installed("opentelemetry-sdk"):
        remedy = "pip install opentelemetry-distro[otlp], or set TIERSCOPE_LEDGER"
        yield Finding("warn", subject, "no SDK is installed: nothing is exported.", (remedy,))
        return
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield Finding("warn", subject, "OTEL_SDK_DISABLED=true: nothing is exported.", ("unset OTEL_SDK_DISABLED",))
        return
    if not metadata.entry_points(group="opentelemetry_configurator"):
        text = "no distro is installed: the launcher sets up no exporter, only a program's own set-up counts."
        yield Finding("warn", subject, text, ("pip install opentelemetry-distro[otlp]",))
        return
    chosen = {kind: environ.get(f"OTEL_{kind.upper()}_EXPORTER", "").strip() for kind in ("traces", "metrics")}
    if not any(chosen.values()):
        text = "no exporter is named: a program's own set-up counts; without one the launcher sends OTLP to "
        yield Finding("note", subject, f"{text}{_endpoint(environ)}, and tierscope run sends nothing.")
        return
    told = ", ".join(f"{kind} to {name or 'otlp'}" for kind, name in chosen.items())
    where = f" at {_endpoint(environ)}" if "otlp" in told else ""
    yield Finding("ok", subject, f"{told}{where} (OTEL_*_EXPORTER).")
    for kind, names in chosen.items():
        absent = [name.strip() for name in names.split(",") if name.strip() and not _is_exporter(kind, name.strip())]
        if absent:
            text = f"no exporter {', '.join(absent)} is installed: nothing would be exported."
            yield Finding("bad", f"OTEL_{kind.upper()}_EXPORTER", text, ("pip install opentelemetry-distro[otlp]",))


def _endpoint(environ: Mapping[str, str]) -> str:
    """Return where OTLP goes: scheme, host and port, for the rest of a URL may hold a key."""
    url = urlsplit(environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4317")
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


def _is_exporter(kind: str, name: str) -> bool:
    known = {point.name for point in metadata.entry_points(group=f"opentelemetry_{kind}_exporter")}
    return name == "none" or name in known or (name == "otlp" and f"{name}_proto_grpc" in known)


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def launcher(present: Present) -> Iterator[Finding]:
    """Say whether the launcher would find us and switch us on."""
    beside = Path(sys.executable).with_name(LAUNCHER)
    if not beside.exists() and shutil.which(LAUNCHER) is None:
        yield Finding("warn", "launcher", f"{LAUNCHER} is not installed.", ("pip install 'tierscope[cli]'",))
    elif OURS not in present.entry_points:
        text = "no entry point tierscope: the launcher would not switch Tierscope on."
        yield Finding("bad", "launcher", text, ("pip install --force-reinstall tierscope",))
    elif present.is_disabled(OURS):
        text = f"{DISABLED}={','.join(sorted(present.disabled))}: the launcher leaves Tierscope out."
        yield Finding("bad", "launcher", text, ("take tierscope out of it, or call tierscope.instrument()",))
    else:
        yield Finding("ok", "launcher", f"{LAUNCHER} switches Tierscope on (entry point tierscope).")


# ── neighbours ────────────────────────────────────────────────────────────────────────────────────────────────────
def neighbours(present: Present, settings: Settings) -> Iterator[Finding]:
    """Say what else sees the calls, what of it is there twice, and what ends that."""
    is_joined = any(n.is_joined and present.is_launched(n.package) for n in NEIGHBOURS)
    for neighbour in NEIGHBOURS:
        if neighbour.package in present.versions:
            yield _neighbour(neighbour, present, records_genai=settings.genai_metrics and not is_joined)
    for package in present.strangers():
        yield Finding("warn", package, "claims an entry point of openai's; untested beside Tierscope.")
    for name, packages in present.claimed_twice().items():
        text = f"claimed by {' and '.join(packages)}; {DISABLED}={name} leaves out all of them."
        yield Finding("note", f"entry point {name}", text)


def _neighbour(neighbour: Neighbour, present: Present, *, records_genai: bool) -> Finding:
    subject = f"{neighbour.package} {present.versions[neighbour.package]}"
    names = present.names_of(neighbour.package)
    if names and not present.is_launched(neighbour.package):
        return Finding("ok", subject, f"{neighbour.title}: left out by {DISABLED}.")
    ends = [end for end in neighbour.ends if records_genai or end is not METRICS_OFF]
    word: Word = "warn" if neighbour.doubles and names else "note"
    return Finding(word, subject, f"{neighbour.title[0].upper()}{neighbour.title[1:]}. {neighbour.says}", tuple(ends))


def together(present: Present, settings: Settings) -> Iterator[Finding]:
    """Say how often one call is told under the launcher, all neighbours that it switches on together."""
    on = [n for n in NEIGHBOURS if n.package in present.versions and present.is_launched(n.package)]
    joined = any(n.is_joined for n in on)
    spans = [n.title for n in on if n.is_joined or "spans" in n.doubles] + ([] if joined else ["Tierscope"])
    genai = [n.title for n in on if n.is_joined or "GenAI metrics" in n.doubles]
    genai += ["Tierscope"] if settings.genai_metrics and not joined else []
    if len(spans) > 1:
        text = f"Under {LAUNCHER} one call is {len(spans)} spans with tokens ({', '.join(spans)})"
        metrics = f" and its GenAI metrics are recorded {len(genai)} times" if len(genai) > 1 else ""
        yield Finding("warn", "doubles", f"{text}{metrics}.", ("count tokens and calls by tierscope.* metrics alone",))


def attempts(present: Present, settings: Settings) -> Iterator[Finding]:
    """Say whether the spans of HTTP attempts that are asked for can be made."""
    if settings.http and HTTP not in present.versions:
        text = f"asked for, but {HTTP} is not installed: no attempt gets a span."
        yield Finding("warn", "TIERSCOPE_HTTP", text, ("pip install 'tierscope[http]'",))


# ── what would be missing ─────────────────────────────────────────────────────────────────────────────────────────
def stream_usage(settings: Settings) -> Iterator[Finding]:
    """Say whether chat streams will have tokens."""
    if settings.stream_usage == "never":
        text = "never; chat streams without include_usage have no tokens, so neither a rate nor a cost."
        remedy = "TIERSCOPE_STREAM_USAGE=auto asks for them, on hosts known to accept it"
        yield Finding("note", "stream usage", text, (remedy,))
    else:
        yield Finding("ok", "stream usage", f"{settings.stream_usage}; chat streams are asked for their tokens.")


def ledger(settings: Settings) -> Iterator[Finding]:
    """Say whether the ledger can be written."""
    if settings.ledger is None:
        yield Finding("note", "ledger", "none (TIERSCOPE_LEDGER); tierscope run writes calls.db.")
        return
    path = Path(settings.ledger).absolute()
    trouble = _unwritable(path)
    if trouble is None:
        yield Finding("ok", "ledger", f"{path} can be written.")
    else:
        yield Finding("bad", "TIERSCOPE_LEDGER", trouble, ("name a file in a folder that this user can write",))


def _unwritable(path: Path) -> str | None:
    if not path.exists():
        return None if os.access(path.parent, os.W_OK) else f"{path.parent} is no folder that can be written."
    if not os.access(path, os.W_OK):
        return f"{path} cannot be written."
    try:
        db = open_to_read(path)
    except (LedgerError, sqlite3.Error) as error:
        return f"{error}."
    if db is not None:
        db.close()
    return None
