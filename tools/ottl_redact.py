"""What leaves a Collector: listed keys of spans about models, no content, no credentials, nobody's ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottl import NEVER, either, put, text, variable
from ottl_tiers import IS_GENAI

from tierscope import signals as s

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    "|secret|password|passwd|credential|authorization|cookie|signature)"
    "([^A-Za-z0-9 =:]{0,3}(=|:|%3D)[^A-Za-z0-9]{0,3})[^ &,;]{6,}"
)
_PREFIXED: Final = "gsk_|xai-|fw_|hf_|gh[opsu]_|github_pat_|AIza|AKIA|xox[abp]-|glpat-|sk_live_"
SECRETS: Final = (
    ("(^|[^A-Za-z0-9])(sk|pk|rk)-[A-Za-z0-9_-]{12,}", "${1}${2}-***"),
    (f"(^|[^A-Za-z0-9])({_PREFIXED})[A-Za-z0-9_-]{{10,}}", "${1}${2}***"),
    ("(^|[^A-Za-z0-9])(org-|proj[-_]|user-|acct[-_]|asst_)[A-Za-z0-9]{12,}", "${1}${2}***"),
    ("(^|[^A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}[.][A-Za-z0-9_-]{4,}[.]?[A-Za-z0-9_-]*", "${1}jwt-***"),
    ("(?i)(bearer|basic)([ +:]|%20)+[A-Za-z0-9._~+/=-]{8,}", "${1} ***"),
    (_NAMED, "${1}${2}***"),
    ("(?i)([?&](?:sig|code)(?:=|%3D))[^ &,;]{6,}", "${1}***"),
    ("://[^/@: ]+:[^/@ ]+@", "://***@"),
)
"""Shapes of credentials and ids in any text, and what stays of them."""
MARKS: Final = (
    *("sk-", "pk-", "rk-", "gsk_", "xai-", "fw_", "hf_", "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-"),
    *("aiza", "akia", "xoxa-", "xoxb-", "xoxp-", "sk_live_", "eyj", "org-", "proj-", "proj_", "user-", "acct-"),
    *("acct_", "asst_", "bearer", "basic", "api-key", "api_key", "api key", "apikey", "ion-key", "ion_key"),
    *("access-key", "access_key", "accesskey", "auth-token", "auth_token", "authtoken", "access-token", "access_token"),
    *("accesstoken", "secret", "passw", "credential", "authorization", "cookie", "signature", "sig=", "code="),
    *("sig%3d", "code%3d", "@"),
)
"""In small letters, one of these is in every text that holds a secret. To search for words is a hundred times as
fast as to search for the patterns."""
_BEFORE: Final = ("(^|[^A-Za-z0-9])", "(^|[^A-Za-z0-9_-])")
_BEFORE_IN_JSON: Final = r"(^|[^A-Za-z0-9]|[\\][bfnrt]|u[0-9a-f]{4})"
IN_JSON: Final = "|".join(
    f"({pattern.replace(_BEFORE[0], _BEFORE_IN_JSON).replace(_BEFORE[1], _BEFORE_IN_JSON)})" for pattern, _ in SECRETS
)
"""Any secret in attributes as JSON, where an escaped sign may stand before it."""
_OF_WHOM: Final = tuple(
    f"{who}{between}{what}"
    for who in ("user", "org")
    for between in ("", ".", "-", "_")
    for what in ("id", "name", "email", "hash", "full", "roles")
)
KEY_MARKS: Final = (
    *("gen_ai", "llm", "put.", "traceloop", "ai.", "text", "body", "message.", "content", "locals", "document"),
    *("authorization", "cookie", "api-key", "api_key", "apikey", "ion-key", "ion_key", "secret", "token", "password"),
    *("signature", "enduser", "user.", 'user"', *_OF_WHOM, "session", "customer", "organi", "tenant", "conversation"),
    "openai",
)
"""The same of keys that go, as a list in JSON."""


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
    yield from _texts("scope.name", "scope.version")
    yield from map(_cut, ("scope.name", "scope.version"))


def spans() -> Iterator[str]:
    """Yield what cleans a span; of one about models only what is listed stays, and nothing of its error's message."""
    yield put(_marked(), "true", IS_GENAI)
    yield from _kept("span.attributes", (*ALLOWED, MARK))
    yield put("span.status.message", text(""), f"{_marked()} == true")
    yield from _clean("span.attributes", f"{_marked()} != true")
    yield from _bounded("span.attributes", 128, 2048)
    yield from _texts("span.name", "span.status.message", "span.trace_state")
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
    yield from _kept("spanevent.attributes", EVENT_KEYS)
    yield from _clean("spanevent.attributes")
    yield from _bounded("spanevent.attributes", 64, 8192)
    yield from _texts("spanevent.name")
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
    yield from _texts("metric.name", "metric.description")


def _marked() -> str:
    return f'span.attributes["{MARK}"]'


def _kept(path: str, keys: tuple[str, ...]) -> Iterator[str]:
    """Yield what leaves a span about models, or its event, these keys and those of the operator's pattern."""
    has_more = f"{variable(KEEP)} != {text(NEVER)}"
    yield f"keep_keys({path}, [{', '.join(map(text, keys))}]) where {_marked()} == true and not ({has_more})"
    pattern = (
        f"{text(f'^{either(keys)}$|')[:-1]}{variable(KEEP)[1:]}"  # one literal, compiled once and not for each span
    )
    yield f"keep_matching_keys({path}, {pattern}) where {_marked()} == true and {has_more}"


def _clean(path: str, unless: str = "") -> Iterator[str]:
    """Yield what cleans attributes: two searches where nothing looks like a secret, and that is nearly always."""
    context = path.partition(".")[0]
    keys, named, held, dirty = (f'{context}.cache["{name}"]' for name in ("keys", "named", "held", "dirty"))
    yield put(keys, f'ConvertCase(String(Keys({path})), "lower")', unless)
    yield put(named, "true", f"{keys} != nil and ({_has(keys, KEY_MARKS)})")
    yield from (_delete(path, pattern, f"{named} == true") for pattern in REMOVED)
    yield put(held, f'ConvertCase(String({path}), "lower")')
    yield put(dirty, "true", _has(held, MARKS))
    # only texts are replaced: what hides a secret deeper is laid flat first
    yield f"flatten({path}, resolveConflicts=true) where {dirty} == true and IsMatch({path}, {text(IN_JSON)})"
    yield from (_delete(path, pattern, f"{dirty} == true") for pattern in REMOVED)
    for pattern, left in SECRETS:
        yield f'replace_all_patterns({path}, "value", {text(pattern)}, {text(left)}) where {dirty} == true'
        yield f'replace_all_patterns({path}, "key", {text(pattern)}, {text(left)}) where {dirty} == true'


def _has(path: str, marks: Iterable[str]) -> str:
    return " or ".join(f"Index({path}, {text(mark)}) >= 0" for mark in marks)


def _delete(path: str, pattern: str, when: str = "") -> str:
    return f"delete_matching_keys({path}, {text(pattern)})" + (f" where {when}" if when else "")


def _bounded(path: str, keys: int, length: int) -> Iterator[str]:
    """No honest attribute is as long; a hostile one fills the queue of everybody."""
    yield f"delete_matching_keys({path}, {text('^.{257,}$')})"
    yield f"limit({path}, {keys}, [])"
    yield f"truncate_all({path}, {length})"


def _texts(*paths: str) -> Iterator[str]:
    """Yield what cleans texts of one thing, which are searched together."""
    held, dirty = (f'{paths[0].partition(".")[0]}.cache["{name} texts"]' for name in ("held", "dirty"))
    yield put(held, f'ConvertCase(Concat([{", ".join(paths)}], " "), "lower")')
    yield put(dirty, "true", _has(held, MARKS))
    for path in paths:
        for pattern, left in SECRETS:
            yield f"replace_pattern({path}, {text(pattern)}, {text(left)}) where {dirty} == true"


def _cut(path: str) -> str:
    return put(path, f"Substring({path}, 0, 256)", f"Len({path}) > 256")
