"""Tierscope: which OpenAI service tier you asked for, which one served you, how fast, and what changed silently.

Call ``tierscope.instrument()`` once, or run the program under ``opentelemetry-instrument``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierscope import version

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from tierscope.config import Settings

__version__ = version.VERSION
__all__ = ["__version__", "instrument", "uninstrument"]


def instrument(
    settings: Settings | None = None,
    *,
    http: bool | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> bool:
    """Instrument the openai client of this process.

    Configures no provider: telemetry goes where the application's own OpenTelemetry set-up sends it. Never raises;
    what hinders it (an unsupported openai, a bad setting) is one line in the log ``tierscope``.

    Args:
        settings: use these settings instead of the ``TIERSCOPE_*`` variables.
        http: whether each HTTP attempt gets a span of its own below the call's (``TIERSCOPE_HTTP``); needs the extra
            ``tierscope[http]``. ``None``: what the settings say.
        tracer_provider: use this provider instead of the global one.
        meter_provider: use this provider instead of the global one.

    Returns:
        Whether Tierscope is active now.

    """
    from tierscope.wiring import WIRING  # noqa: PLC0415  importing tierscope alone costs nothing

    return WIRING.activate(settings, http=http, tracer_provider=tracer_provider, meter_provider=meter_provider)


def uninstrument() -> None:
    """Take Tierscope off again; streams that are open finish normally. Instrumenting again is fine."""
    from tierscope.wiring import WIRING  # noqa: PLC0415  see above

    WIRING.deactivate()
