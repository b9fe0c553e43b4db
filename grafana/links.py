"""Links: between the boards, with time and variables; to traces, where a store of traces is chosen."""

from __future__ import annotations

import json
import urllib.parse
from typing import TYPE_CHECKING, Final

from tools.rules.promql import label

from grafana.spec import Link
from tierscope import signals as s
from tierscope import words as w

if TYPE_CHECKING:
    from tierscope.declared import Attribute

TAG: Final = "tierscope"
TRACES: Final = "traces"
"""Name of the variable that chooses the store of traces."""
VARIABLES: Final = ("datasource", TRACES, "environment", "service", "provider", "model", "tier")


def to(slug: str, title: str) -> Link:
    """Return a link to another board that keeps time and variables."""
    kept = "&".join(["${__url_time_range}", *(f"${{{one}:queryparam}}" for one in VARIABLES)])
    return Link(title, f"/d/tierscope-{slug}?{kept}")


def traces(title: str, *conditions: str) -> Link:
    """Return a link to the traces that fulfil conditions (TraceQL), in the shown range."""
    query = "{ " + " && ".join(conditions) + " }"
    store = f"${{{TRACES}}}"
    asked = {"refId": "A", "datasource": {"type": "tempo", "uid": store}, "queryType": "traceql", "query": query}
    pane = {"datasource": store, "queries": [asked], "range": {"from": "${__from}", "to": "${__to}"}}
    panes = urllib.parse.quote(json.dumps({"t": pane}, separators=(",", ":")), safe="${}._:")
    return Link(title, f"/explore?schemaVersion=1&panes={panes}")


def span(attribute: Attribute, value: str) -> str:
    """Return a condition on an attribute of a span."""
    return f'span.{attribute.key} = "{value}"'


def of_label(attribute: Attribute) -> str:
    """Return the condition that a span has the label of the series that was clicked."""
    return span(attribute, f"${{__field.labels.{label(attribute)}}}")


DOWNGRADED: Final = traces("Traces of downgraded calls", span(s.TIER_OUTCOME, w.DOWNGRADED), of_label(s.REQUEST_MODEL))
