"""The official instrumentation beside ours, in either order."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from tests.sdk.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

Order = Literal["ours first", "theirs first"]
ORDERS: Final[tuple[Order, ...]] = ("ours first", "theirs first")
THEIRS: Final = "opentelemetry.instrumentation.genai.openai"
"""The instrumentation scope of the official package."""


@contextmanager
def official(telemetry: Telemetry) -> Iterator[None]:
    """Lay the official instrumentation on the same providers, for the length of a block."""
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    try:
        yield
    finally:
        instrumentor.uninstrument()


@contextmanager
def both(order: Order, **how: Any) -> Iterator[Telemetry]:
    """Instrument twice; what came last goes first."""
    telemetry = Telemetry(**how)
    layers = (telemetry, official(telemetry))
    with ExitStack() as stack:
        for layer in layers if order == "ours first" else reversed(layers):
            stack.enter_context(layer)
        yield telemetry


def told(span: Any) -> dict[str, Any]:
    """Return what a span says of the tiers and of the ending."""
    keys = ("tier.requested", "tier.expected", "tier.served", "tier.outcome", "ending")
    return {key.removeprefix("tier."): span.attributes.get(f"tierscope.{key}") for key in keys}
