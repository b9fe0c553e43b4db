"""Measure every neighbour beside us and write docs/coexistence.md: `make beside`.

Each is measured in the environment of its leg (legs.toml, rows `beside-...`); the tests of that leg compare the page
with what they see.
"""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Final

import legs

from tierscope.cli.neighbours import NEIGHBOURS

PAGE: Final = legs.ROOT / "docs" / "coexistence.md"
VERSIONS: Final = ("openai", "opentelemetry-sdk", "opentelemetry-instrumentation")
TEXT: Final = """\
<!-- Measured and written by `make beside` (tools/beside.py). Do not edit. -->

# Beside other instrumentations

Other packages instrument the openai client too. Beside each of those below, in either order of activation and under
`opentelemetry-instrument`, the application gets the results, types, chunks and exceptions that it gets without
Tierscope; the other package emits what it emits alone; and Tierscope records each call once. `make matrix` proves it:
legs `beside-official`, `beside-traceloop`, `beside-openinference`, `beside-langfuse`, `beside-logfire`.
`tierscope doctor` says which of them an environment holds.

## What is there twice, and what ends it

{doubles}
Rules and dashboards that read only `tierscope.*` metrics count each call once, whatever else is installed.

**`OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=openai` disables every package with that entry point**, and at least four have
it: the official instrumentation, Traceloop's, OpenInference's and Elastic's. Where two are installed, the launcher
switches both on, without a word, and neither can be left out alone. Tierscope's entry point is `tierscope`.

### The official instrumentation

Where its span is current (chat, Responses, embeddings, `responses.retrieve`), Tierscope makes no second one: tiers,
outcome and rates go onto that span, requested and served tier onto its duration and token metrics. GenAI metrics are
left to it, sampled or not; `tierscope.*` metrics are recorded as always. What it does not instrument (legacy
completions, `client.post`) gets a span of ours. Where its span ends before a stream does (Responses at the terminal
event, a raw stream that is parsed, an exception inside the `with` block, a stream that is dropped), the span has the
tiers and the outcome as far as they were known, and no `tierscope.ending`; the metrics and the ledger have all of it.

### OpenInference and Logfire

Both replace `request` on the client's class. Whoever comes second lies around the other; both see each call. One that
is taken off again puts back the method that it had found: if that was the SDK's own, from before Tierscope, one call
goes unseen; it is counted (`tierscope.internal.errors`, step `bypassed`), and the next is seen. A *client* that
`logfire.instrument_openai(client)` wrapped before `tierscope.instrument()` stays out of reach, and each of its calls is
counted the same way: instrument Tierscope first.

`logfire.instrument_openai()` suppresses every instrumentation below it, and Tierscope honours that: instrumented after
Tierscope, or under the launcher, it leaves nothing to record. Pass `suppress_other_instrumentation=False`.

### Langfuse

`langfuse.openai` patches the client for good. Langfuse sends every span that has GenAI attributes, Tierscope's too, and
would count its tokens again. Keep them from it, and send them where you want them:

```python
from langfuse import Langfuse
from langfuse.span_filter import is_default_export_span

Langfuse(should_export_span=lambda s: s.instrumentation_scope.name != "tierscope" and is_default_export_span(s))
```

## Measured

With {versions}, Python {python}.
A process for each order, in-memory exporters, a server on this machine, and an audit hook that sees no other
connection. Spans and metric points (series that changed) of one call, of each alone and together; both orders give the
same, or a cell would say `a / b` (Tierscope first / second). GenAI durations and token records are those of
`gen_ai.client.operation.duration` and `gen_ai.client.token.usage`: one and two for a call that is counted once.

{measured}"""


def doubles() -> str:
    """Return the doctor's own table of neighbours."""
    rows = [("package", "beside Tierscope", "what ends it"), ("---",) * 3]
    rows += [(f"`{n.package}` ({n.title})", n.says, "; ".join(n.ends) or "–") for n in NEIGHBOURS]  # noqa: RUF001
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def measured(leg: legs.Leg) -> str:
    """Measure one neighbour in the environment of its leg."""
    return legs.told(leg, "-m", "tests.beside.page", leg.env["TIERSCOPE_TEST_NEIGHBOUR"])


def main() -> int:
    """Write the page."""
    beside = [leg for name, leg in legs.table().items() if name.startswith("beside-")]
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in VERSIONS)
    text = TEXT.format(
        doubles=doubles(), versions=versions, python=legs.HERE, measured="\n".join(measured(leg) for leg in beside)
    )
    PAGE.write_text(text, "utf-8")
    print(f"{PAGE.relative_to(legs.ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
