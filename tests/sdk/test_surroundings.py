"""What is around a call: the service, the span it is made in, the baggage; for the ledger, and for a policy's rules."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_tracer, use_span
from tests.sdk import replies
from tests.sdk.conftest import CHAT
from tests.sdk.policies import written
from tests.sdk.telemetry import TRUSTED, Telemetry

import tierscope
from tierscope import guard, testing
from tierscope.emit import names
from tierscope.emit.ambient import texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sdk.conftest import Service

DRIFT: Final = "tierscope.policy.drift"


def told(path: Path, *columns: str) -> list[tuple[Any, ...]]:
    """Return columns of a ledger, row by row, once all is written."""
    testing.settle()
    tierscope.uninstrument()
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT {', '.join(columns)} FROM calls ORDER BY row").fetchall()  # noqa: S608


@contextlib.contextmanager
def inside(telemetry: Telemetry, attributes: dict[str, Any], carried: dict[str, str] | None = None) -> Iterator[None]:
    """Run a block in a span of the application's, with baggage."""
    ambient = context.get_current()
    for key, value in (carried or {}).items():
        ambient = baggage.set_baggage(key, value, ambient)
    token = context.attach(ambient)
    tracer = get_tracer("app", tracer_provider=telemetry.tracers)
    with tracer.start_as_current_span("work", attributes=attributes):
        yield
    context.detach(token)


def counted(telemetry: Telemetry) -> Counter[str]:
    """Return what drifted, by workload."""
    found: Counter[str] = Counter()
    for key, value in telemetry.points(DRIFT).items():
        found[dict(key)["tierscope.policy.workload"]] += value
    return found


# ── the service ───────────────────────────────────────────────────────────────────────────────────────────────────
SERVICES: Final = [
    pytest.param({"service.name": "shop"}, "env", "shop", id="resource"),
    pytest.param({}, "env", "env", id="a-resource-that-names-none"),
    pytest.param({"service.name": "unknown_service"}, None, None, id="unknown"),
    pytest.param({"service.name": "unknown_service:python"}, "env", "env", id="unknown-with-its-executable"),
    pytest.param({"service.name": ""}, "unknown_service", None, id="nothing"),
    pytest.param({"service.name": "unknown_services"}, None, "unknown_services", id="a-name-that-begins-alike"),
]


@pytest.mark.parametrize(("attributes", "environment", "name"), SERVICES)
def test_the_service_is_that_of_the_resource_else_of_the_environment(
    attributes: dict[str, str], environment: str | None, name: str | None
) -> None:
    """What the SDK says where nobody named it is no name."""
    assert names.service(TracerProvider(resource=Resource(attributes)), environment) == name
    assert names.service(None, environment) == (environment if environment != "unknown_service" else None)


def test_a_provider_that_cannot_be_asked_names_no_service() -> None:
    """Whose ever it is; the environment may."""
    guard.reset(strict=False)

    class Odd(TracerProvider):
        @property
        def resource(self) -> Any:
            raise RuntimeError("planted")

    assert names.service(Odd(), "env") == "env"
    assert guard.counts()["service"] == 1
    guard.reset(strict=True)


def test_a_row_has_the_service_and_the_rule_that_speaks_of_the_call(service: Service, tmp_path: Path) -> None:
    """Of every rule, whatever it matches by; NULL where none does, and without a policy."""
    path = tmp_path / "calls.db"
    policy = written(tmp_path, tier="flex", match='service = "shop", model = "gpt-4*"')
    settings = TRUSTED._replace(ledger=str(path), service="shop")
    client = service.client(*[replies.whole(replies.chat("default"))] * 3)
    with Telemetry(settings=settings._replace(policy=policy)) as telemetry:
        client.chat.completions.create(**CHAT)
        client.chat.completions.create(**{**CHAT, "model": "gpt-5"})
        assert counted(telemetry) == {"chat": 2}  # the reply names gpt-4.1
        testing.settle()
        tierscope.uninstrument()
        tierscope.instrument(settings._replace(service=None))
        client.chat.completions.create(**CHAT)
    assert told(path, "service", "workload") == [("shop", "chat"), ("shop", "chat"), (None, None)]


def test_another_service_is_not_spoken_of(service: Service, tmp_path: Path) -> None:
    policy = written(tmp_path, tier="flex", match='service = "shop"')
    with Telemetry(settings=TRUSTED._replace(policy=policy, service="billing")) as telemetry:
        service.client(replies.whole(replies.chat("default"))).chat.completions.create(**CHAT)
        assert counted(telemetry) == {}


# ── the span, and the baggage ─────────────────────────────────────────────────────────────────────────────────────
AROUND: Final = 'attribute = { "app.workload" = "night*" }'


def test_a_rule_matches_by_the_span_that_a_call_is_made_in(service: Service, tmp_path: Path) -> None:
    """As the attribute is when the call is made: calls of one kind are told apart by it. The ledger names the rule."""
    path = tmp_path / "calls.db"
    settings = TRUSTED._replace(policy=written(tmp_path, tier="flex", match=AROUND), ledger=str(path))
    client = service.client(*[replies.whole(replies.chat("default"))] * 5)
    with Telemetry(settings=settings) as telemetry:
        for attributes in ({"app.workload": "nightly"}, {"app.workload": "chat"}, {}, {"app.workload": "night-2"}):
            with inside(telemetry, attributes):
                client.chat.completions.create(**CHAT)
        client.chat.completions.create(**CHAT)
        assert counted(telemetry) == {"chat": 2}
        ours = [span for span in telemetry.spans if span.name.startswith("chat ")]
        assert len(ours) == 5
        assert not any("app.workload" in dict(span.attributes or {}) for span in ours)
    assert told(path, "workload") == [("chat",), (None,), (None,), ("chat",), (None,)]


def test_a_stream_goes_by_the_span_in_which_it_was_asked_for(service: Service, tmp_path: Path) -> None:
    """Wherever it is read."""
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="flex", match=AROUND))) as telemetry:
        client = service.client(replies.stream(replies.chat_stream("default")))
        with inside(telemetry, {"app.workload": "nightly"}):
            stream = client.chat.completions.create(**CHAT, stream=True)
        with inside(telemetry, {"app.workload": "chat"}):
            list(stream)
        assert counted(telemetry) == {"chat": 1}


def test_a_span_that_is_not_sampled_has_no_attributes_and_baggage_is_there_all_the_same(
    service: Service, tmp_path: Path
) -> None:
    """So a rule by baggage holds whatever the sampling."""
    carried = {"app.workload": "nightly"}
    for name, match, found in (("span", AROUND, {}), ("far", AROUND.replace("attribute", "baggage"), {"far": 1})):
        settings = TRUSTED._replace(policy=written(tmp_path, tier="flex", name=name, match=match))
        with Telemetry(ALWAYS_OFF, settings=settings) as telemetry:
            client = service.client(replies.whole(replies.chat("default")))
            with inside(telemetry, carried, carried):
                client.chat.completions.create(**CHAT)
            assert counted(telemetry) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a", ["a"]), ("x" * 300, ["x" * 256]), (True, ["true"]), (False, ["false"]), (7, ["7"]), (0.5, ["0.5"]),
        (("a", "b"), ["a", "b"]), ([1, 2], ["1", "2"]), (None, []), ({"a": 1}, []), (b"a", []),
    ],
)  # fmt: skip
def test_values_are_compared_as_texts(value: Any, found: list[str]) -> None:
    assert list(texts(value)) == found


def test_a_span_that_cannot_be_asked_costs_the_rule_and_not_the_call(service: Service, tmp_path: Path) -> None:
    """Whatever some tracer makes current: the call is observed, and the application's."""

    class Odd(NonRecordingSpan):
        @property
        def attributes(self) -> Any:
            raise RuntimeError("planted")

    settings = TRUSTED._replace(policy=written(tmp_path, tier="flex", match=AROUND))
    with Telemetry(settings=settings) as telemetry:
        guard.reset(strict=False)
        client = service.client(replies.whole(replies.chat("default")))
        with use_span(Odd(SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(1)))):
            assert client.chat.completions.create(**CHAT).service_tier == "default"
        assert guard.counts()["ambient"] == 1
        assert len(telemetry.spans) == 1
    guard.reset(strict=True)


def test_nothing_looks_around_where_no_rule_asks(tmp_path: Path) -> None:
    """A policy that matches by a model alone: neither the module that looks nor baggage is loaded."""
    code = f"""
import sys, openai, tierscope
from tierscope.config import Settings
tierscope.instrument(Settings(policy={written(tmp_path, tier="flex")!r}))
try:
    openai.OpenAI(api_key="x", base_url="http://127.0.0.1:9", max_retries=0).embeddings.create(model="e", input="x")
except openai.APIConnectionError:
    pass
tierscope.uninstrument()
assert "tierscope.policy" in sys.modules
print([name for name in sys.modules if name in ("tierscope.emit.ambient", "opentelemetry.baggage")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
