"""Properties are the same on every run and on every machine, however slow it is."""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile("unit", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "mutants", settings.get_profile("unit"), max_examples=10, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("unit")
