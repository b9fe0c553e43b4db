"""The program of every process here: ``python -m tests.beside.app NEIGHBOUR PLANS`` prints what it saw, as JSON.

A plan has a name, steps and an environment.

Steps: ``+ours`` and ``+theirs`` switch on, ``-ours`` and ``-theirs`` off, any other ``+word`` switches on the
neighbour in a variant of that name; ``calls`` makes one call of every kind, ``one`` makes a single one.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections import Counter
from typing import Any, Final

import openai
from tests.beside.calls import KINDS, got
from tests.beside.laying import OURS, Ears, Theirs
from tests.truth.replay import Replay

from tierscope import guard, testing

HOME: Final = ("127.0.0.1", "localhost", "::1")
_CLOCKS: Final = ("tierscope.catalog.age",)
"""What a process tells whether it calls or not, and differently each time."""
_TIERS: Final = ("tierscope.tier.requested", "tierscope.tier.served", "tierscope.tier.outcome")
_USAGE: Final = ("gen_ai.usage.input_tokens", "llm.token_count.prompt", "langfuse.observation.usage_details")


class Watch:
    """Every address that this process connects to or looks up."""

    def __init__(self) -> None:
        self.outside: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        place = {"socket.connect": 1, "socket.getaddrinfo": 0}.get(event)
        if place is not None:
            address = args[place]
            host = address[0] if isinstance(address, tuple) else address
            if str(host) not in HOME:
                self.outside.append(str(host))


class Observed:
    """Makes calls, and tells what each brought: to the caller, and to whoever listens."""

    def __init__(self, replay: Replay, ears: Ears, theirs: Theirs) -> None:
        self._replay = replay
        self._ears = ears
        self._theirs = theirs
        self._client = openai.OpenAI(api_key="k", max_retries=0)

    def call(self, kind: str) -> dict[str, Any]:
        """Make a call of this kind."""
        answer, call = KINDS[kind]
        key = kind.replace(" ", "-")
        self._replay.add(key, *answer)
        self._heard()
        client = self._client.with_options(base_url=f"{self._replay.url(key)}/v1")
        result = got(lambda: call(client))
        testing.settle()
        return {"got": result, **self._heard()}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _heard(self) -> dict[str, Any]:
        """Return what was exported since the last time."""
        spans = self._ears.spans.get_finished_spans()
        self._ears.spans.clear()
        sent = self._theirs.exported
        return {
            "spans": Counter(_scope(span) for span in spans),
            "counted": Counter(_scope(span) for span in spans if any(key in span.attributes for key in _USAGE)),
            "told": [_told(span) for span in spans if any(key in span.attributes for key in _TIERS)],
            "sent": self._sent() if sent is not None else None,
            **self._metrics(),
        }

    def _sent(self) -> int:
        import langfuse  # type: ignore[import-not-found]

        langfuse.get_client().flush()
        count = len(self._theirs.exported.get_finished_spans())  # type: ignore[union-attr]
        self._theirs.exported.clear()  # type: ignore[union-attr]
        return count

    def _metrics(self) -> dict[str, Any]:
        points: Counter[str] = Counter()
        records: dict[str, Counter[str]] = {}
        calls = []
        for scope, metric, point in self._points():
            amount = getattr(point, "count", getattr(point, "value", 0))
            if amount:
                points[scope] += 1
                records.setdefault(metric, Counter())[scope] += amount
                if metric == "tierscope.calls":
                    calls.append([point.attributes[key] for key in _TIERS])
        return {"points": points, "records": records, "calls": calls}

    def _points(self) -> Any:
        for reader in self._ears.readers:
            data = reader.get_metrics_data()
            for resource in data.resource_metrics if data else ():
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name in _CLOCKS:
                            continue
                        yield from ((scope.scope.name, metric.name, point) for point in metric.data.data_points)


def _scope(span: Any) -> str:
    return str(span.instrumentation_scope.name)


def _told(span: Any) -> list[Any]:
    return [_scope(span), *(span.attributes.get(key) for key in _TIERS)]


def go_through(neighbour: str, steps: list[str]) -> dict[str, Any]:
    """Go through the steps, and return what each call brought."""
    watch, theirs, calls = Watch(), Theirs(neighbour), []
    ears = Ears(is_logfire=neighbour == "logfire")
    moves = {**OURS, "+theirs": theirs.lay, "-theirs": theirs.take_off}
    with Replay() as replay:
        observed = Observed(replay, ears, theirs)
        for step in steps:
            if step in moves:
                moves[step]()
            elif step.startswith("+"):
                theirs.lay(step)
            else:
                kinds = KINDS if step == "calls" else ("body",)
                calls.append({kind: observed.call(kind) for kind in kinds})
        observed.close()
    return {"calls": calls, "outside": watch.outside, "faults": guard.counts()}


def forked(neighbour: str, steps: list[str], env: dict[str, str]) -> Any:
    """Go through the steps in a child: its imports, patches and providers are its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.environ.update(env)
        with os.fdopen(writer, "w") as out:
            try:
                json.dump(go_through(neighbour, steps), out)
            except Exception:  # noqa: BLE001  whatever it is, the tests shall read it
                json.dump({"broken": traceback.format_exc()}, out)
                out.flush()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    os.waitpid(pid, 0)
    return json.loads(text)


def main(neighbour: str, plans: dict[str, tuple[list[str], dict[str, str]]]) -> None:
    """Run a single plan here, as the launcher does; several in children, which share what importing openai costs."""
    if len(plans) == 1:
        told = {name: go_through(neighbour, steps) for name, (steps, _) in plans.items()}
    else:
        for kind, (_, call) in KINDS.items():
            warm_up(kind, call)
        gc.freeze()  # what is there now is no child's garbage: its collections are short
        told = {name: forked(neighbour, steps, env) for name, (steps, env) in plans.items()}
    sys.stdout.write(json.dumps(told) + "\n")


def warm_up(kind: str, call: Any) -> None:
    """Let the SDK build its types of this kind of reply."""
    with Replay() as replay, openai.OpenAI(api_key="k", base_url=replay.add("x", *KINDS[kind][0]), max_retries=0) as c:
        got(lambda: call(c))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
