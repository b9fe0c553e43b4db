"""Other packages that see the same calls: what of them doubles beside Tierscope, and which setting ends it.

``docs/coexistence.md`` has the measurements behind these rows.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Doubled = Literal["spans", "GenAI metrics"]
GROUP: Final = "opentelemetry_instrumentor"
DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
OURS: Final = "tierscope"
HTTP: Final = "opentelemetry-instrumentation-httpx"
METRICS_OFF: Final = "TIERSCOPE_GENAI_METRICS=off leaves the GenAI metrics to it"
_LEAVE_OUT: Final = f"{DISABLED}=openai leaves out every package with that entry point, and not Tierscope"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One package: what it does beside Tierscope, what is there twice then, and what ends that."""

    package: str
    title: str
    says: str
    doubles: tuple[Doubled, ...] = ()
    ends: tuple[str, ...] = ()
    is_joined: bool = False
    """Whether Tierscope joins its span instead of making one."""


NEIGHBOURS: Final = (
    Neighbour(
        "opentelemetry-instrumentation-genai-openai",
        "the official instrumentation",
        "Tierscope joins its span and leaves the GenAI metrics to it: nothing is there twice.",
        is_joined=True,
    ),
    Neighbour(
        "opentelemetry-instrumentation-openai",
        "Traceloop",
        "A second span a call, and for chat and embeddings the same GenAI metrics.",
        ("spans", "GenAI metrics"),
        (METRICS_OFF, _LEAVE_OUT),
    ),
    Neighbour(
        "openinference-instrumentation-openai",
        "OpenInference",
        "A second span a call; it records no metrics.",
        ("spans",),
        (_LEAVE_OUT,),
    ),
    Neighbour(
        "langfuse",
        "Langfuse",
        "Where the program imports langfuse.openai, a second span a call; Langfuse is sent Tierscope's span too, and "
        "counts its tokens a second time.",
        ("spans",),
        ("Langfuse(should_export_span=...) that refuses the scope tierscope keeps Tierscope's spans from it",),
    ),
    Neighbour(
        "logfire",
        "Logfire",
        "Where the program calls logfire.instrument_openai(), one or two more spans a call. It suppresses what lies "
        "inside: instrumented after Tierscope, or under the launcher, no call is seen.",
        ("spans",),
        ("logfire.instrument_openai(suppress_other_instrumentation=False) lets Tierscope see the calls",),
    ),
    *(
        Neighbour(package, title, "It instruments openai too; untested beside Tierscope.", ("spans", "GenAI metrics"))
        for package, title in (
            ("opentelemetry-instrumentation-openai-v2", "the official instrumentation's predecessor"),
            ("elastic-opentelemetry-instrumentation-openai", "Elastic"),
            ("openlit", "OpenLIT"),
            ("ddtrace", "Datadog"),
        )
    ),
    Neighbour(
        HTTP,
        "HTTP spans",
        "A POST span for each attempt, below the span of the call; it carries no tokens.",
        (),
        (f"{DISABLED}=httpx,httpx2 leaves them out",),
    ),
)
"""Packages by their distribution's name; those that are untested say so."""


@dataclass(frozen=True, slots=True)
class Present:
    """What is installed, and what the launcher would switch on."""

    versions: Mapping[str, str]
    """Distribution → version, of the known ones."""
    entry_points: Mapping[str, tuple[str, ...]]
    """Name of an entry point of the launcher → the distributions that claim it."""
    disabled: frozenset[str]

    def is_disabled(self, name: str) -> bool:
        """Say whether the launcher leaves out an entry point."""
        return bool(self.disabled & {name, "*"})

    def names_of(self, package: str) -> tuple[str, ...]:
        """Return the entry points of a distribution."""
        return tuple(name for name, packages in self.entry_points.items() if package in packages)

    def is_launched(self, package: str) -> bool:
        """Say whether the launcher switches a package on."""
        return any(not self.is_disabled(name) for name in self.names_of(package))

    def claimed_twice(self) -> dict[str, tuple[str, ...]]:
        """Return the entry points that several packages claim: they can only be left out together."""
        return {name: packages for name, packages in self.entry_points.items() if len(packages) > 1}

    def strangers(self) -> list[str]:
        """Return the packages that claim an entry point of openai's and are in no row."""
        known = {neighbour.package for neighbour in NEIGHBOURS}
        claims = {p for name, packages in self.entry_points.items() if "openai" in name for p in packages}
        return sorted(claims - known)


def look(environ: Mapping[str, str]) -> Present:
    """Look at this Python's packages; imports none of them."""
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for point in metadata.entry_points(group=GROUP):
        claims[point.name].append(_canonical(point.dist.name) if point.dist is not None else point.value)
    return Present(
        versions=_versions(neighbour.package for neighbour in NEIGHBOURS),
        entry_points={name: tuple(packages) for name, packages in claims.items()},
        disabled=frozenset(filter(None, (name.strip() for name in environ.get(DISABLED, "").split(",")))),
    )


def _versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
