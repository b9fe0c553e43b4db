"""Threads: calls and streams at once, layers that come and go meanwhile, streams that outlive their thread."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from openai import OpenAI, _base_client, _streaming
from tests.processes.conftest import CHUNKS, LEFT_BY_HTTPX, ROOT, Said
from tests.processes.inside import client, together
from tests.sdk.conftest import TRUSTED
from tests.sdk.telemetry import Telemetry

import tierscope
from tierscope import testing
from tierscope.seam import patches

pytestmark = LEFT_BY_HTTPX
THREADS: Final = 8
ROUNDS: Final = 5
MODEL: Final = "gen_ai.request.model"
Says = Callable[..., Said]
Connect = Callable[[str], OpenAI]
Action = Callable[[OpenAI, str], None]


@pytest.fixture
def collector(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the garbage collector run by itself, or not."""
    if not request.param:
        gc.disable()
    yield
    gc.enable()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return what makes clients, which are closed in the end."""
    made: list[OpenAI] = []

    def one(url: str) -> OpenAI:
        made.append(client(url))
        return made[-1]

    yield one
    for own in made:
        own.close()
    gc.collect()


def until(claim: Callable[[], object]) -> None:
    """Wait for what other threads do."""
    end = time.monotonic() + 30
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.001)


def layers() -> dict[str, Any]:
    """Return what stands at each patched place."""
    owners = {**vars(_base_client), **vars(_streaming)}
    return {f"{p.owner}.{p.name}": owners[p.owner].__dict__[p.name] for p in patches.PATCHES}


def counted(telemetry: Telemetry, name: str, key: str = MODEL) -> Counter[Any]:
    """Sum the points of one metric by one of their attributes; zeros are absent."""
    sums: Counter[Any] = Counter()
    for attributes, value in telemetry.points(name).items():
        sums[dict(attributes)[key]] += value
    return +sums


# ── what a thread does with a client; each is checked against what the service said ───────────────────────────────────
def whole(own: OpenAI, model: str) -> None:
    reply: Any = own.chat.completions.create(model=model, messages=[], service_tier="priority")
    assert reply.service_tier == "priority"


def opened(own: OpenAI, model: str) -> Any:
    return own.chat.completions.create(model=model, messages=[], stream=True, service_tier="priority")


def read(own: OpenAI, model: str) -> None:
    assert len(list(opened(own, model))) == CHUNKS


def closed(own: OpenAI, model: str) -> None:
    with opened(own, model) as stream:
        next(stream)


def dropped(own: OpenAI, model: str) -> None:
    next(opened(own, model))


ENDINGS: Final = {whole: "complete", read: "complete", closed: "closed", dropped: "abandoned"}


@pytest.mark.parametrize("clients", [1, THREADS], ids=["one client", "a client each"])
@pytest.mark.parametrize("collector", [True, False], ids=["gc", "no gc"], indirect=True)
def test_each_call_of_many_threads_is_recorded_once(
    says: Says, connect: Connect, clients: int, collector: None
) -> None:
    """Bodies and streams of every ending, in eight threads: one record, one span, one count each, of its own model."""
    url = says().url
    shared = [connect(url) for _ in range(clients)]

    def work(number: int) -> None:
        for action in ROUNDS * list(ENDINGS):
            action(shared[number % clients], f"m{number}")

    with Telemetry() as telemetry, testing.capture() as calls:
        together([lambda number=number: work(number) for number in range(THREADS)])  # type: ignore[misc]
        testing.settle()
        expected = Counter((f"m{n}", ending) for n in range(THREADS) for ending in ROUNDS * list(ENDINGS.values()))
        spans = [span.attributes for span in telemetry.spans]
        assert Counter((call.request.model, call.ending) for call in calls) == expected
        assert Counter((span[MODEL], span["tierscope.ending"]) for span in spans) == expected
        assert counted(telemetry, "tierscope.calls") == {f"m{n}": ROUNDS * len(ENDINGS) for n in range(THREADS)}


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        pytest.param(list, "complete", id="read on by another thread"),
        pytest.param(lambda stream: stream.close(), "closed", id="closed by another thread"),
        pytest.param(lambda _stream: None, "abandoned", id="dropped with its thread"),
    ],
)
def test_a_stream_outlives_the_thread_that_opened_it(
    says: Says, connect: Connect, end: Callable[[Any], object], ending: str
) -> None:
    """The thread ends with a stream open: whatever becomes of that is one record."""
    url, streams = says().url, []
    with testing.capture(TRUSTED) as calls:
        together([lambda: streams.append(opened(connect(url), "m"))])
        end(streams.pop())
        testing.settle()
        assert [(call.ending, call.outcome) for call in calls] == [
            (ending, "unverified" if ending != "complete" else "honored")
        ]


def test_layers_that_come_and_go_lose_and_double_no_call(says: Says, connect: Connect) -> None:
    """Laid and taken off thirty times while four threads call: no error, nothing half seen, nothing left.

    A call made wholly between `instrument()` and `uninstrument()` is recorded, one made wholly outside is not.
    """
    url, bare = says().url, layers()
    telemetry, seen, ended = Telemetry(), [], threading.Event()
    where = [("outside", 0)]

    def work() -> None:
        own = connect(url)
        while not ended.is_set():
            for action in (whole, read):
                before = where[0]
                action(own, "m")
                seen.append(before[0] if before is where[0] else "between")

    def move(act: Callable[[], object], to: str) -> None:
        where[0] = ("between", len(seen))
        act()
        where[0] = (to, enough := len(seen) + 12)
        until(lambda: len(seen) > enough)

    def toggle() -> None:
        for _ in range(30):
            move(telemetry.__enter__, "inside")
            move(tierscope.uninstrument, "outside")
        ended.set()

    together([toggle, work, work, work, work])
    assert layers() == bare
    made = Counter(seen)
    outcomes = counted(telemetry, "tierscope.calls", "tierscope.tier.outcome")
    assert set(outcomes) == {"honored"}
    assert made["inside"] <= outcomes["honored"] <= made["inside"] + made["between"]
    assert Counter(span.attributes["tierscope.tier.outcome"] for span in telemetry.spans) == outcomes
    assert min(made["inside"], made["outside"]) > 100


@pytest.mark.parametrize("action", [whole, read], ids=["body", "stream"])
def test_a_call_in_flight_at_uninstrument_is_recorded_whole(says: Says, connect: Connect, action: Action) -> None:
    """Its record is that of any other call; the next one is not seen; the layers go when the last call has left."""
    said, bare = says(), layers()
    gate = said.hold()
    with Telemetry() as telemetry:
        calling = threading.Thread(target=action, args=(connect(said.url), "in flight"))
        calling.start()
        until(lambda: said.asked["in flight"])
        tierscope.uninstrument()
        whole(connect(says().url), "after")
        assert layers() != bare
        gate.set()
        calling.join()
        assert layers() == bare
        assert counted(telemetry, "tierscope.calls") == {"in flight": 1}
        assert counted(telemetry, "tierscope.calls", "tierscope.tier.outcome") == {"honored": 1}


def test_instrumenting_while_another_thread_imports_openai() -> None:
    """A module that is being imported looks as if it lacked everything: it is waited for."""
    code = """
import sys, threading, tierscope.wiring
half, on = threading.Event(), threading.Event()
class Stop:
    def find_spec(self, *_):
        if "openai._base_client" in sys.modules and not half.is_set():
            half.set(); on.wait()
sys.meta_path.insert(0, Stop())
importing = threading.Thread(target=__import__, args=("openai",))
importing.start()
half.wait()
base = sys.modules["openai._base_client"]
print(hasattr(base, "SyncAPIClient"))
threading.Timer(0.2, on.set).start()
print(tierscope.instrument())
importing.join()
print(base.SyncAPIClient.request.__code__.co_filename.endswith("patches.py"))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\nTrue\nTrue\n", "")
