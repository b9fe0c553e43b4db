"""The neighbours, and the processes in which each is run beside us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

ROOT: Final = Path(__file__).parents[2]
LAUNCHER: Final = str(Path(sys.executable).with_name("opentelemetry-instrument"))
TIMEOUT_S: Final = 240


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One package that instruments the openai client too."""

    name: str
    package: str
    scope: str
    """Its instrumentation scope."""
    is_entry_point: bool = False
    """Whether the launcher switches it on."""
    is_joined: bool = False
    """Whether we join its span, and leave the GenAI metrics to it."""
    can_be_taken_off: bool = True
    """Not so: langfuse replaces the import for good; of traceloop 0.62.4 the wrappers stay after ``uninstrument()``."""
    puts_back: bool = False
    """Whether it puts back the client's method that it found, ours not among it: one call goes unseen then."""
    variants: tuple[str, ...] = ()
    """Steps that switch it on with another setting (``laying.Theirs``)."""


NEIGHBOURS: Final = {
    neighbour.name: neighbour
    for neighbour in (
        Neighbour(
            "official",
            "opentelemetry-instrumentation-genai-openai",
            "opentelemetry.instrumentation.genai.openai",
            is_entry_point=True,
            is_joined=True,
        ),
        Neighbour(
            "traceloop",
            "opentelemetry-instrumentation-openai",
            "opentelemetry.instrumentation.openai.v1",
            is_entry_point=True,
            can_be_taken_off=False,
        ),
        Neighbour(
            "openinference",
            "openinference-instrumentation-openai",
            "openinference.instrumentation.openai",
            is_entry_point=True,
            puts_back=True,
        ),
        Neighbour("langfuse", "langfuse", "langfuse-sdk", can_be_taken_off=False, variants=("+filtering",)),
        Neighbour("logfire", "logfire", "logfire.openai", puts_back=True, variants=("+suppressing",)),
    )
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One process: its steps, whether the launcher starts it, and what its environment has besides."""

    steps: tuple[str, ...]
    is_launched: bool = False
    env: tuple[tuple[str, str], ...] = ()


def plans(neighbour: Neighbour) -> dict[str, Plan]:
    """Return the processes that show how a neighbour and we get along."""
    orders = {"ours first": ("+ours", "+theirs"), "theirs first": ("+theirs", "+ours")}
    found = {
        "bare": Plan(("calls",)),
        "ours": Plan(("+ours", "calls")),
        "theirs": Plan(("+theirs", "calls")),
        **{order: Plan((*steps, "calls", "-ours", "one")) for order, steps in orders.items()},
        "genai off": Plan(("+theirs", "+ours", "calls"), env=(("TIERSCOPE_GENAI_METRICS", "off"),)),
    }
    if neighbour.can_be_taken_off:
        both_off = ("-theirs", "one", "one", "-ours", "one")
        found |= {f"{order}, theirs off": Plan((*steps, *both_off)) for order, steps in orders.items()}
    for step in neighbour.variants:
        found |= {
            f"ours first, {step}": Plan(("+ours", step, "calls")),
            f"{step} first": Plan((step, "+ours", "calls")),
        }
    theirs = () if neighbour.is_entry_point else ("+theirs",)
    found["launched, ours"] = Plan(("calls",), is_launched=True, env=_disabled("openai"))
    found["launched, theirs"] = Plan((*theirs, "calls"), is_launched=True, env=_disabled("tierscope"))
    found["launched"] = Plan((*theirs, "calls"), is_launched=True, env=_disabled())
    return found


def _disabled(*names: str) -> tuple[tuple[str, str], ...]:
    """Return what keeps the launcher from these entry points; HTTP spans would be on every line."""
    return (("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", ",".join((*names, "httpx", "httpx2"))),)


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without any setting of ours or of OpenTelemetry."""
    foreign = ("OTEL_", "TIERSCOPE_", "LANGFUSE_", "LOGFIRE_")
    return {key: value for key, value in environ.items() if not key.startswith(foreign)}


def hidden_official(place: Path) -> str:
    """Return a folder for the path that hides the official package from the launcher: its name, without entry points.

    It belongs to the environment of the tests, and shares its entry point's name with the neighbours.
    """
    info = place / "opentelemetry_instrumentation_genai_openai-0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: opentelemetry-instrumentation-genai-openai\nVersion: 0\n"
    )
    return str(place)


def doctor(*paths: str, **env: str) -> dict[str, dict[str, Any]]:
    """Ask ``tierscope doctor`` about an environment with these folders first on its path: the findings by subject."""
    path = os.pathsep.join(filter(None, (*paths, os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-c", "from tierscope.cli import main; main()", "doctor", "--json"]
    env = {**clean(os.environ), "PYTHONPATH": path, **env}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.stdout, done.stderr
    return {finding["subject"]: finding for finding in json.loads(done.stdout)}


class Processes:
    """The processes of one neighbour, two at a time; what each printed is read when asked for."""

    def __init__(self, neighbour: Neighbour, place: Path) -> None:
        self.neighbour = neighbour
        self._place = place
        self._pool = ThreadPoolExecutor(2)
        self._running: dict[str, Future[dict[str, Any]]] = {}
        every = plans(neighbour)
        plain = {name: plan for name, plan in every.items() if not plan.is_launched}
        for group in (plain, *({name: plan} for name, plan in every.items() if plan.is_launched)):
            self._running |= dict.fromkeys(group, self._pool.submit(self._run, group))

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return what a process saw."""
        told: dict[str, Any] = self._running[name].result()[name]
        assert "broken" not in told, told["broken"]
        return told

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._running)

    def close(self) -> None:
        """Wait for what still runs."""
        self._pool.shutdown(cancel_futures=True)

    def _run(self, group: dict[str, Plan]) -> dict[str, Any]:
        asked = json.dumps({name: (plan.steps, dict(plan.env)) for name, plan in group.items()})
        command = [sys.executable, "-m", "tests.beside.app", self.neighbour.name, asked]
        env = {**clean(os.environ), "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai"}
        for plan in group.values():
            if plan.is_launched:
                command.insert(0, LAUNCHER)
                env |= {**self._launched(), **dict(plan.env)}
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        if done.returncode:
            raise AssertionError(f"{', '.join(group)}: status {done.returncode}\n{done.stderr[-4000:]}")
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    def _launched(self) -> dict[str, str]:
        """Return an environment in which the launcher exports nothing, and finds no other package of that name."""
        env = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none")
        if self.neighbour.name == "official":
            return env
        path = (hidden_official(self._place), os.environ.get("PYTHONPATH", ""))
        return {**env, "PYTHONPATH": os.pathsep.join(filter(None, path))}
