"""What leaves a Collector: listed keys of spans about models, no content, no credentials, nobody's ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottl import either, put, text, variable
from ottl_tiers import IS_GENAI

from tierscope import signals as s

if TYPE_CHECKING:
    from collections.abc import Iterator

KEEP: Final = "TIERSCOPE_KEEP_KEYS"
"""Variable: a pattern of further keys that spans about models may keep."""
MARK: Final = "tierscope.internal.genai"
"""On a span about models until its events have been seen to."""

OTHER_KEYS: Final = (
    *(s.DERIVED, "gen_ai.system", "gen_ai.output.type", "gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.tool.name"),
    *("gen_ai.tool.type", "gen_ai.data_source.id", "gen_ai.request.choice.count", "gen_ai.request.max_tokens"),
    *("gen_ai.request.temperature", "gen_ai.request.top_p", "gen_ai.request.top_k", "gen_ai.request.seed"),
    *("gen_ai.request.frequency_penalty", "gen_ai.request.presence_penalty", "gen_ai.request.encoding_formats"),
    *("gen_ai.embeddings.dimension.count", "gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    *("llm.token_count.total", "llm.request.type", "openinference.span.kind", "traceloop.span.kind"),
    *("ai.operationId", "http.request.method", "http.response.status_code", "http.request.resend_count"),
    *("network.protocol.name", "network.protocol.version", "network.transport", "network.type", "peer.service"),
    *("gen_ai.openai.request.service_tier", "gen_ai.openai.response.service_tier"),
    *("gen_ai.request.service_tier", "gen_ai.response.service_tier"),
    *("thread.id", "thread.name", "code.function.name", "span.kind", "otel.status_code"),
)
"""Keys of the conventions and of other instrumentations that hold names and numbers, not what people wrote."""
ALLOWED: Final = tuple(sorted({*(attribute.key for attribute in s.SPAN_ATTRIBUTES), *OTHER_KEYS}))
EVENT_KEYS: Final = ("exception.type", "exception.escaped", "gen_ai.system", "gen_ai.provider.name")
"""Keys of events on such spans: the message and the stack of an exception quote what was sent."""
ON_METRICS: Final = tuple(
    sorted({a.key for m in s.METRICS for a in m.attributes} | {s.TIER_REQUESTED.key, s.TIER_SERVED.key})
)
"""Keys of points of `tierscope.*` and `gen_ai.*`; any other, whoever set it, is dropped."""

CONTENT: Final = (
    "^(gen_ai[.](prompt|completion|content|user|assistant|choice|evaluation|system_instructions|request[.]user)([._].*)?"
    "|gen_ai[.](input|output)[.]messages([._].*)?|gen_ai[.]tool[.](definitions|description|message|call)([._].*)?"
    "|gen_ai[.]retrieval[.].*|llm[.](input_messages|output_messages|prompts?|completions?|prompt_template|user|headers"
    "|invocation_parameters|tools|functions?)([._].*)?|(input|output)[.](value|mime_type)|traceloop[.](entity|association)[.].*"
    "|ai[.](prompt|response|toolCall|settings|telemetry|value|values|embedding)([.].*)?|(db|messaging)[.].*([.]text|body)"
    "|http[.](request|response)[.]body([.](content|text|json|raw))?|message[.](content|body)|exception[.]locals"
    "|graphql[.]document|rpc[.](request|response)[.]body)$"
)
"""Keys of content, wherever they stand."""
CREDENTIALS: Final = (
    "(?i)^((http|rpc)[.](request|response)[.](header|metadata)[.]|header[s]?[.])?"
    "((proxy[-_])?authorization|(set[-_])?cookie[s]?|(x[-_])?([a-z]+[-_])*api[-_]?key|ocp[-_]apim[-_]subscription[-_]key"
    "|(x[-_])?([a-z]+[-_])*(secret|token|password|signature))([.].*)?$"
)
IDENTITIES: Final = (
    "(?i)^(enduser|user|session|client[.]user)([.].*)?$|^openai[.](organization|project)([.].*)?$"
    "|(^|[._-])(user|end_?user|customer|organi[sz]ation|org|tenant|session|conversation)[._-]?"
    "(id|name|email|hash|full_name|roles)([.].*)?$|[.]header[.]openai[-_](organization|project)([.].*)?$"
)
PROCESS: Final = "^process[.](command([._].*)?|environment.*|owner)$"
"""Of resources: a command line is where keys are given."""
REMOVED: Final = (CONTENT, CREDENTIALS, IDENTITIES)

_NAMED: Final = (
    "(?i)(api[-_ ]?key|apikey|subscription[-_]key|access[-_]?key|auth[-_]?token|access[-_]?token|client[-_]?secret"
    "|secret|password|passwd|credential|authorization|cookie|signature|[?&]sig|[?&]code)"
    "([^A-Za-z0-9 =:]{0,3}(=|:|%3D)[^A-Za-z0-9]{0,3})[^ &,;]{6,}"
)
_PREFIXED: Final = "gsk_|xai-|fw_|hf_|gh[opsu]_|github_pat_|AIza|AKIA|xox[abp]-|glpat-|sk_live_"
SECRETS: Final = (
    ("(^|[^A-Za-z0-9])(sk|pk|rk)-[A-Za-z0-9_-]{12,}", "${1}${2}-***"),
    (f"(^|[^A-Za-z0-9])({_PREFIXED})[A-Za-z0-9_-]{{10,}}", "${1}${2}***"),
    ("(^|[^A-Za-z0-9])(org|proj|user|acct|asst)[-_][A-Za-z0-9]{12,}", "${1}${2}-***"),
    ("(^|[^A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}[.][A-Za-z0-9_-]{4,}[.]?[A-Za-z0-9_-]*", "${1}jwt-***"),
    ("(?i)(bearer|basic)([ +:]|%20)+[A-Za-z0-9._~+/=-]{8,}", "${1} ***"),
    (_NAMED, "${1}${2}***"),
    ("://[^/@: ]+:[^/@ ]+@", "://***@"),
)
"""Shapes of credentials and ids in any text, and what stays of them."""
ANY_SECRET: Final = "|".join(f"({pattern})" for pattern, _ in SECRETS)


# ── statements ────────────────────────────────────────────────────────────────────────────────────────────────────
def resources() -> Iterator[str]:
    """Yield what cleans a resource."""
    yield _delete("resource.attributes", PROCESS)
    yield from _clean("resource.attributes")
    yield from _bounded("resource.attributes", 64, 2048)


def scopes() -> Iterator[str]:
    """Yield what cleans a scope, its name too."""
    yield from _clean("scope.attributes")
    yield from _bounded("scope.attributes", 32, 512)
    for path in ("scope.name", "scope.version"):
        yield from _text(path)
        yield _cut(path)


def spans() -> Iterator[str]:
    """Yield what cleans a span; of one about models only what is listed stays, and nothing of its error's message."""
    yield put(_marked(), "true", IS_GENAI)
    listed = f"^{either((*ALLOWED, MARK))}$"
    kept = f'Concat([{text(listed)}, {variable(KEEP)}], "|")'
    yield f"keep_matching_keys(span.attributes, {kept}) where {_marked()} == true"
    yield put("span.status.message", text(""), f"{_marked()} == true")
    yield from _clean("span.attributes")
    yield from _bounded("span.attributes", 128, 2048)
    for path in ("span.name", "span.status.message", "span.trace_state"):
        yield from _text(path)
    yield _cut("span.name")
    yield from _links()


def _links() -> Iterator[str]:
    """No statement reaches a link's attributes, so links are dropped and counted, unless the operator says not."""
    unless = f"{variable('TIERSCOPE_KEEP_LINKS', 'no')} != {text('yes')}"
    count = "span.dropped_links_count"
    yield put(count, f"{count} + Len(span.links)", f"{unless} and Len(span.links) > 0")
    yield put("span.links", "nil", f"{unless} and Len(span.links) > 0")


def events() -> Iterator[str]:
    """Yield what cleans an event of a span."""
    listed = f"^{either(EVENT_KEYS)}$"
    kept = f'Concat([{text(listed)}, {variable(KEEP)}], "|")'
    yield f"keep_matching_keys(spanevent.attributes, {kept}) where {_marked()} == true"
    yield from _clean("spanevent.attributes")
    yield from _bounded("spanevent.attributes", 64, 8192)
    yield from _text("spanevent.name")
    yield _cut("spanevent.name")


def unmark() -> Iterator[str]:
    """Yield what takes the mark away."""
    yield f"delete_key(span.attributes, {text(MARK)})"


def points() -> Iterator[str]:
    """Yield what cleans a point of a metric; of ours and the conventions' only declared keys stay."""
    ours = f"IsMatch(metric.name, {text('^(tierscope|gen_ai)[.]')})"
    yield f"keep_keys(datapoint.attributes, [{', '.join(text(key) for key in ON_METRICS)}]) where {ours}"
    yield from _clean("datapoint.attributes")
    yield from _bounded("datapoint.attributes", 64, 512)


def exemplars() -> Iterator[str]:
    """Yield what leaves an exemplar its trace alone: its attributes are those that a view dropped."""
    yield 'keep_keys(exemplar.filtered_attributes, ["none"])'


def metrics() -> Iterator[str]:
    """Yield what cleans a metric's own texts."""
    for path in ("metric.name", "metric.description"):
        yield from _text(path)


def _marked() -> str:
    return f'span.attributes["{MARK}"]'


def _clean(path: str) -> Iterator[str]:
    yield from (_delete(path, pattern) for pattern in REMOVED)
    # only texts are replaced: what hides a secret deeper is laid flat first
    yield f"flatten({path}, resolveConflicts=true) where IsMatch({path}, {text(ANY_SECRET)})"
    yield from (_delete(path, pattern) for pattern in REMOVED)
    for pattern, left in SECRETS:
        yield f'replace_all_patterns({path}, "value", {text(pattern)}, {text(left)})'
        yield f'replace_all_patterns({path}, "key", {text(pattern)}, {text(left)})'


def _delete(path: str, pattern: str) -> str:
    return f"delete_matching_keys({path}, {text(pattern)})"


def _bounded(path: str, keys: int, length: int) -> Iterator[str]:
    """No honest attribute is as long; a hostile one fills the queue of everybody."""
    yield f"delete_matching_keys({path}, {text('^.{257,}$')})"
    yield f"limit({path}, {keys}, [])"
    yield f"truncate_all({path}, {length})"


def _text(path: str) -> Iterator[str]:
    yield from (f"replace_pattern({path}, {text(pattern)}, {text(left)})" for pattern, left in SECRETS)


def _cut(path: str) -> str:
    return put(path, f"Substring({path}, 0, 256)", f"Len({path}) > 256")
