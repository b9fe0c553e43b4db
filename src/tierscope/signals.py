"""Every span attribute and metric that Tierscope emits: declared once; docs, rules, panels and tests derive from here.

Names under ``gen_ai.`` and ``openai.`` are those of the official package's release
(opentelemetry-instrumentation-genai-openai 1.3b0, schema 1.37.0); names under ``tierscope.`` are our own.
"""

from __future__ import annotations

from typing import Final

from tierscope import words
from tierscope.attributes import *
from tierscope.metrics import *

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
SCOPE: Final = "tierscope"
OTHER: Final = words.OTHER

MAX_MODELS: Final = 100
"""Distinct model names that metrics carry in one process; later ones become ``_OTHER``."""
MAX_MODEL_LENGTH: Final = 128
DERIVED: Final = "tierscope.derived"
"""Attribute by which a Collector marks spans whose tiers it has told, from what another instrumentation wrote."""
