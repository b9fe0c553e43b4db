"""The second seam itself: what it costs who does not use it, and that nobody notices it who does."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import openai
import pytest
import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from tests.sdk.capabilities import WEBSOCKET
from tests.sdk.conftest import TRUSTED
from tests.sdk.sockets import Talk, create
from tests.sdk.telemetry import Telemetry
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

import tierscope
from tierscope import testing
from tierscope.seam import hearing
from tierscope.seam.patches import MANAGERS
from tierscope.seam.websocket import SOCKET_PATCHES
from tierscope.simulator import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.simulator import Simulator

BOTH = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
PRIORITY: dict[str, Any] = {"service_tier": "priority"}


# ── who does not use it ───────────────────────────────────────────────────────────────────────────────────────────
LOADED = """
import json, sys
import tierscope
{first}
assert tierscope.instrument()
import openai
client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=0)
try:
    client.chat.completions.create(model="m", messages=[])
except openai.APIConnectionError:
    pass
rooms = ("websocket", "hearing", "sockets", "socketcall", "peers")
loaded = [room for room in rooms if "tierscope.seam." + room in sys.modules]
{last}
then = [room for room in rooms if "tierscope.seam." + room in sys.modules]
print(json.dumps([loaded, then, "websockets" in sys.modules]))
"""


def loaded(first: str = "", last: str = "") -> Any:
    """Return which rooms of this seam a process has after a call by HTTP, and after what comes last."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADED.format(first=first, last=last)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENAI_API_KEY": "k"},
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("first", ["", "import openai"], ids=["before openai", "after openai"])
def test_nothing_is_loaded_where_it_is_not_used(first: str) -> None:
    """A program that calls by HTTP loads no line of this seam, and not the library that openai would use."""
    assert loaded(first) == [[], [], False]


@WEBSOCKET
def test_only_the_layers_are_loaded_with_a_manager() -> None:
    """Asking for ``client.responses`` loads nothing of ours, a connection to be its layers, the rest comes later."""
    assert loaded(last="client.responses") == [[], [], False]
    assert loaded(last="client.responses.connect()") == [[], ["websocket", "hearing"], False]


def test_the_import_system_is_as_it_was_after_uninstrument() -> None:
    """What waits for openai's module is a finder; it goes when we go."""
    before = list(sys.meta_path)
    with testing.capture(TRUSTED):
        pass
    assert sys.meta_path == before


@WEBSOCKET
def test_a_module_that_fails_to_load_is_awaited_on() -> None:
    """The loader keeps its class, its exception passes, and the second try is heard."""
    program = """
import sys, tierscope, openai
tierscope.instrument()
name = "openai.resources.responses.responses"
sys.modules["openai.types.responses"] = None
try:
    import openai.resources.responses.responses
except ImportError:
    pass
del sys.modules["openai.types.responses"]
import openai.resources.responses.responses as m
loader, layer = m.__loader__, m.ResponsesConnectionManager.__init__
print(type(loader).__name__, vars(loader).keys() - {"name", "path"}, layer.__code__.co_filename[-10:])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told == "SourceFileLoader set() patches.py\n"


# ── the application's own ─────────────────────────────────────────────────────────────────────────────────────────
@contextmanager
def scribe() -> Iterator[tuple[str, list[Any]]]:
    """Serve a WebSocket that keeps what it gets, and answers each request with the same two events."""
    got: list[Any] = []

    def handle(socket: Any) -> None:
        with suppress(ConnectionClosed):
            for message in socket:
                got.append(message)
                body = {"id": f"resp_{len(got)}", "model": "gpt-5", "service_tier": "priority", "output": []}
                for kind, status in (("created", "in_progress"), ("completed", "completed")):
                    socket.send(json.dumps({"type": f"response.{kind}", "response": {**body, "status": status}}))

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1", got
        server.shutdown()
        thread.join()


def conversation(url: str, *, is_async: bool) -> list[Any]:
    """Return all that an application gets to see: types and data."""
    talk = Talk(url, is_async=is_async)
    talk.manager.send(create(service_tier="flex"))
    talk.open().send({"model": "gpt-5", "type": "response.create", "input": [{"role": "user", "content": "é"}]})
    talk.run(talk.connection.send_raw('{"type": "response.create",  "model": "gpt-5"}'))
    talk.run(talk.connection.response.create(model="gpt-5", **PRIORITY))
    events = talk.ends(4)
    talk.close()
    return [(type(event), event.to_dict()) for event in events]


@WEBSOCKET
@BOTH
def test_no_byte_and_no_type_is_another(is_async: bool) -> None:
    """What is sent, frame by frame, and what is received are what they are without us."""
    with scribe() as (url, got):
        bare = conversation(url, is_async=is_async)
        plain, got[:] = list(got), []
        with testing.capture(TRUSTED) as calls:
            seen = conversation(url, is_async=is_async)
        strip = [(kind, {**data["response"], "id": None}) for kind, data in bare]
        assert [(kind, {**data["response"], "id": None}) for kind, data in seen] == strip
        assert (got, len(calls)) == (plain, 4)


@WEBSOCKET
def test_signatures_and_kinds_stay(simulated: Simulator) -> None:
    """``inspect`` sees what it saw; a connection has no attribute of ours."""
    before = methods()
    seen = {name: (inspect.signature(m), inspect.iscoroutinefunction(m)) for name, m in before.items()}
    with testing.capture(TRUSTED), Talk(simulated.base_url) as talk:
        laid = methods()
        assert all(laid[name] is not method for name, method in before.items())
        assert {name: (inspect.signature(m), inspect.iscoroutinefunction(m)) for name, m in laid.items()} == seen
        assert type(talk.connection).__qualname__ == "ResponsesConnection"
        assert [name for name in vars(talk.connection) if "tierscope" in name] == []


@WEBSOCKET
def test_a_span_is_a_child_of_where_it_was_asked_for(simulated: Simulator) -> None:
    """Sent in one span, received in another; it lasts from the send to the terminal event."""
    with Telemetry() as telemetry, Talk(simulated.base_url) as talk:
        tracer = telemetry.tracers.get_tracer("app")
        with tracer.start_as_current_span("asking"):
            talk.send(create(Script(tokens=3), **PRIORITY))
        with tracer.start_as_current_span("reading"):
            talk.ends()
            assert trace.get_current_span().name == "reading"  # type: ignore[attr-defined]
        spans = {span.name: span for span in telemetry.spans}
        span = spans["chat gpt-5"]
        assert span.parent.span_id == spans["asking"].context.span_id
        assert spans["asking"].end_time < span.end_time < spans["reading"].end_time
        told = {
            key: span.attributes.get(key) for key in ("tierscope.tier.served", "openai.api.type", "tierscope.ending")
        }
    assert told == {
        "tierscope.tier.served": "priority",
        "openai.api.type": "responses",
        "tierscope.ending": "complete",
    }


@WEBSOCKET
def test_what_is_suppressed_is_left_alone_and_takes_its_place(simulated: Simulator) -> None:
    """Of two on one lane the first is suppressed: the record is the second's, with the second's tier."""
    with Telemetry() as telemetry, testing.capture() as calls, Talk(simulated.base_url) as talk:
        with suppress_instrumentation():
            talk.send(create(Script(tokens=2), service_tier="flex"))
        talk.send(create(Script(tokens=2), **PRIORITY))
        talk.ends(2)
        assert len(telemetry.spans) == 1
    assert [(call.request.requested, call.served) for call in calls] == [("priority", "priority")]


# ── coming and going ──────────────────────────────────────────────────────────────────────────────────────────────
def methods() -> dict[str, Any]:
    """Return what stands at each place that this openai has."""
    found = {}
    for patch in (*SOCKET_PATCHES, *MANAGERS._patches):
        owner = getattr(sys.modules.get(patch.module), patch.owner, None)
        if owner is not None and patch.name in owner.__dict__:
            found[f"{patch.module}:{patch.place}"] = owner.__dict__[patch.name]
    return found


@WEBSOCKET
@BOTH
def test_an_open_connection_outlives_uninstrument(simulated: Simulator, is_async: bool) -> None:
    """What is under way is complete, what is asked for then is not seen, and the classes are as they were."""
    before = methods()
    with Telemetry() as telemetry, Talk(simulated.base_url, is_async=is_async) as talk:
        talk.send(create(Script(tokens=9, chunk_delay=0.01), **PRIORITY))
        talk.until("response.output_text.delta")
        tierscope.uninstrument()
        assert methods() != before
        talk.send(create(Script(tokens=2), service_tier="flex"))
        talk.ends(2)
        (span,) = telemetry.spans
        assert methods() == before
    assert (span.attributes["tierscope.ending"], span.attributes["tierscope.tier.served"]) == ("complete", "priority")


@WEBSOCKET
def test_a_foreign_layer_on_top_stays(simulated: Simulator) -> None:
    """Somebody wrapped after us: our layer goes silent below his."""
    seen: list[str] = []

    def foreign(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append("foreign")
        return wrapped(*args, **kwargs)

    kind: Any = openai.resources.responses.responses.ResponsesConnection
    before = kind.__dict__["parse_event"]
    try:
        with testing.capture(TRUSTED):
            wrapt.wrap_function_wrapper(kind, "parse_event", foreign)
        assert type(kind.__dict__["parse_event"]) is wrapt.FunctionWrapper
        with Talk(simulated.base_url) as talk:
            talk.send(create(Script(tokens=1)))
            assert len(talk.ends()) == len(seen)
    finally:
        kind.parse_event = before


@WEBSOCKET
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_records_nothing_of_its_parents_responses(simulated: Simulator) -> None:
    """Forked in mid-stream: the child's close is no record, the parent's end is."""
    with testing.capture(TRUSTED) as calls, Talk(simulated.base_url) as talk:
        talk.send(create(Script(tokens=20, chunk_delay=0.005), **PRIORITY))
        talk.until("response.output_text.delta")
        pid = os.fork()
        if pid == 0:
            hearing.leave(talk.connection, is_async=False)
            os._exit(len(calls))
        _, status = os.waitpid(pid, 0)
        talk.ends()
    assert (os.waitstatus_to_exitcode(status), [call.ending for call in calls]) == (0, ["complete"])
