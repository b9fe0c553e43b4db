"""Figures over many calls: what was promised of a tier, and what was kept of it.

Pure: plain samples in, frozen figures out. It knows neither SQLite nor OpenTelemetry. ``docs/promise.md`` has the
definitions.
"""
