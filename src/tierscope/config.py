"""Settings, read once from the environment: the only reader of it in the instrumented process."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast

from tierscope.words import ALIASES, WIRE

if TYPE_CHECKING:
    from collections.abc import Mapping

StreamUsage = Literal["never", "auto", "always"]
_DIGITS: Final = 12
"""The longest count that is no slip of the keyboard."""
_SUBJECTS: Final = ("project", "host", "deployment")


class SettingError(ValueError):
    """A setting cannot be used; the message names the key, the value and the remedy."""

    def __init__(self, key: str, value: str, remedy: str) -> None:
        super().__init__(f"{key}={value!r}: {remedy}")
        self.key, self.value, self.remedy = key, value, remedy


class Settings(NamedTuple):
    """Everything a user can set. Defaults change no byte of a request and write no file."""

    default_tier: str | None = None
    """``TIERSCOPE_DEFAULT_TIER``: What ``auto`` and an omitted tier resolve to: the tier set for the project or the
    deployment. Without it such calls have no expectation, and their outcome is ``resolved``."""
    expected_tiers: Mapping[tuple[str, str], str] = MappingProxyType({})
    """``TIERSCOPE_EXPECTED_TIERS``: The same by project, host or deployment, comma-separated:
    ``project:proj_a=scale,host:api.example.com=flex,deployment:chat=priority``. A deployment wins over a project, a
    project over a host; a host may name its port."""
    trusted_hosts: Mapping[str, str | None] = MappingProxyType({})
    """``TIERSCOPE_TRUSTED_HOSTS``: Hosts whose word about the served tier is believed, comma-separated: ``host``,
    ``host:port``, or ``host=row`` with the rules of a row of the providers' table (tiers.md)."""
    stream_usage: StreamUsage = "never"
    """``TIERSCOPE_STREAM_USAGE``: Whether chat streams are asked for the usage that they else leave out. ``never``: no
    byte of a request changes. ``auto``: on hosts known to accept it, where the caller did not choose; the additional
    chunk is hidden, the others carry ``usage: null``. ``always``: on every host."""
    genai_metrics: bool = True
    """``TIERSCOPE_GENAI_METRICS``: ``off`` silences the metrics of the GenAI conventions; our own stay."""
    ledger: str | None = None
    """``TIERSCOPE_LEDGER``: Path of an SQLite file that gets one row per finished call, whatever the sampling."""
    ledger_max_rows: int | None = None
    """``TIERSCOPE_LEDGER_MAX_ROWS``: How many rows the ledger keeps: the newest ones. Older ones are dropped a few at a
    time, and counted in the ledger (ledger.md)."""
    ledger_max_days: int | None = None
    """``TIERSCOPE_LEDGER_MAX_DAYS``: For how many days the ledger keeps a call."""
    catalog: str | None = None
    """``TIERSCOPE_CATALOG``: Path of a JSON file with prices, promises, providers and names of deployments of your own,
    laid over those of the package (catalog.md). It is read once; ``tierscope catalog check`` says whether it can be."""
    policy: str | None = None
    """``TIERSCOPE_POLICY``: Path of a TOML file that says which workload should use which tier (policy.md): calls that
    were meant for another one are counted as drift. It is read once; ``tierscope policy check`` says whether it can be.
    """
    service: str | None = None
    """``OTEL_SERVICE_NAME``: Name of the service, as in the column ``service`` of the ledger and in rules of a policy;
    else ``service.name`` of ``OTEL_RESOURCE_ATTRIBUTES``. The resource of the tracer provider, where it names one, wins
    over both."""
    http: bool = False
    """``TIERSCOPE_HTTP``: ``on`` gives each HTTP attempt of a call a span of its own below the call's (signals.md).
    Needs ``pip install 'tierscope[http]'``; the span's ``traceparent`` header goes out with the request."""
    enabled: bool = True
    """``TIERSCOPE_ENABLED``: ``off`` lays no patch at all."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises:
            SettingError: a value cannot be used; nothing is half-read.

        """
        env = _Env(os.environ if environ is None else environ)  # noqa: TID251  the one place
        return cls(
            default_tier=env.tier("TIERSCOPE_DEFAULT_TIER"),
            expected_tiers=env.expectations("TIERSCOPE_EXPECTED_TIERS"),
            trusted_hosts=env.hosts("TIERSCOPE_TRUSTED_HOSTS"),
            stream_usage=cast("StreamUsage", env.choice("TIERSCOPE_STREAM_USAGE", ("never", "auto", "always"))),
            genai_metrics=env.switch("TIERSCOPE_GENAI_METRICS"),
            ledger=env.text("TIERSCOPE_LEDGER"),
            ledger_max_rows=env.count("TIERSCOPE_LEDGER_MAX_ROWS"),
            ledger_max_days=env.count("TIERSCOPE_LEDGER_MAX_DAYS"),
            catalog=env.text("TIERSCOPE_CATALOG"),
            policy=env.text("TIERSCOPE_POLICY"),
            service=env.service(),
            http=env.switch("TIERSCOPE_HTTP", default="off"),
            enabled=env.switch("TIERSCOPE_ENABLED"),
        )


class _Env:
    """Reads one variable at a time and names key, value and remedy where it cannot."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, key: str) -> str | None:
        return self._environ.get(key, "").strip() or None

    def choice(self, key: str, words: tuple[str, ...], *, default: str | None = None) -> str:
        text = self.text(key) or default or words[0]
        value = text.lower()
        if value not in words:
            raise SettingError(key, text, f"use one of {', '.join(words)}")
        return value

    def count(self, key: str) -> int | None:
        text = self.text(key)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text)):
            raise SettingError(key, text, "write a whole number above 0, or nothing to keep all")
        return int(text)

    def service(self) -> str | None:
        name = self.text("OTEL_SERVICE_NAME")
        if name is not None or self.text("OTEL_RESOURCE_ATTRIBUTES") is None:
            return name
        from urllib.parse import unquote  # noqa: PLC0415  where the values are encoded

        told = {key: unquote(value) for _, key, value in self.pairs("OTEL_RESOURCE_ATTRIBUTES")}
        return told.get("service.name") or None

    def switch(self, key: str, *, default: str = "on") -> bool:
        return self.choice(key, ("on", "off", "true", "false", "1", "0"), default=default) in {"on", "true", "1"}

    def tier(self, key: str) -> str | None:
        value = self.text(key)
        return None if value is None else _tier(key, value, value)

    def pairs(self, key: str) -> list[tuple[str, str, str]]:
        """Return (entry, left, right) of a comma list of ``left=right``; right is empty where there is no ``=``."""
        entries = [entry.strip() for entry in (self.text(key) or "").split(",")]
        return [(entry, *_split(entry, "=")) for entry in entries if entry]

    def expectations(self, key: str) -> Mapping[tuple[str, str], str]:
        table: dict[tuple[str, str], str] = {}
        for entry, left, tier in self.pairs(key):
            subject, name = _split(left, ":")
            if subject not in _SUBJECTS or not name:
                raise SettingError(key, entry, "write project:ID=tier, host:NAME=tier or deployment:NAME=tier")
            table[subject, name.lower() if subject == "host" else name] = _tier(key, entry, tier)
        return table

    def hosts(self, key: str) -> Mapping[str, str | None]:
        table: dict[str, str | None] = {}
        for entry, host, provider in self.pairs(key):
            if "/" in host or not host:
                raise SettingError(key, entry, "write a host name, without scheme or path, or host=provider")
            table[host.lower()] = provider or None
        return table


def _split(text: str, mark: str) -> tuple[str, str]:
    left, _, right = text.partition(mark)
    return left.strip(), right.strip()


def _tier(key: str, entry: str, word: str) -> str:
    tier = ALIASES.get(word, word)
    if tier not in WIRE:
        raise SettingError(key, entry, f"use one of {', '.join(sorted((*WIRE, *ALIASES)))}")
    return tier
