"""The entry point of ``opentelemetry-instrument``: the same wiring as ``tierscope.instrument()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tierscope.wiring import INSTRUMENTS, WIRING

if TYPE_CHECKING:
    from collections.abc import Collection


class TierscopeInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Instruments the openai client with service tiers, tokens and speed."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return what must be installed for this to make sense."""
        return INSTRUMENTS

    def _instrument(self, **kwargs: Any) -> None:
        WIRING.activate(
            kwargs.get("settings"),
            http=kwargs.get("http"),
            tracer_provider=kwargs.get("tracer_provider"),
            meter_provider=kwargs.get("meter_provider"),
        )

    def _uninstrument(self, **_kwargs: Any) -> None:
        WIRING.deactivate()
