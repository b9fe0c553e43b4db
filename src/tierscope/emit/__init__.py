"""The only rooms, with the instrumentor, that import OpenTelemetry: a span and metrics for every call."""

from tierscope.emit.emitter import Emitter, emitter_for, flush

__all__ = ["Emitter", "emitter_for", "flush"]
