"""What the Collector makes of other instrumentations' spans: the conventions' names, then tiers and outcome.

Meaning and order are those of `tierscope.tiers`; since the last statement that matches wins, its rules stand upside
down. What a span does not prove stays `unreported`, `unknown` or `unverified` (docs/decisions/0019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottl import NEVER, either, is_word, literal, matches, put, span, text, variable

from tierscope import catalog, tiers, words
from tierscope import signals as s
from tierscope.reading.errors import RATE_CODES, SPEND_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tierscope.catalog import Provider, Refusal

PREFIXES: Final = (
    *("gen_ai", "openai", "tierscope", "llm", "openinference", "traceloop", "ai", "azure"),
    *("langfuse", "langsmith", "langchain", "litellm", "lmnr", "mlflow", "braintrust", "lk", "logfire", "pydantic_ai"),
    *("input", "output", "embedding", "reranker", "retrieval", "tool"),
)
"""First words of keys by which a span is one about models: it may hold content under any key."""
_ANY: Final = text(f'[[,]"{either(PREFIXES)}[.]')
IS_GENAI: Final = f"IsMatch(Keys(span.attributes), {_ANY})"
OPERATIONS: Final = ("chat", "text_completion", "embeddings")
"""Operations that are the call of a model, and have tokens."""
MODEL_CALL: Final = is_word(span(s.OPERATION), OPERATIONS)
FOREIGN: Final = f"{IS_GENAI} and {span(s.TIER_OUTCOME)} == nil"

RENAMED: Final = (
    (s.PROVIDER.key, ("gen_ai.system", "llm.provider", "llm.system")),
    (s.REQUEST_MODEL.key, ("llm.model_name", "llm.request.model", "embedding.model_name")),
    (s.RESPONSE_MODEL.key, ("llm.response.model", "ai.response.model")),
    (s.INPUT_TOKENS.key, ("gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens")),
    (
        s.OUTPUT_TOKENS.key,
        ("gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens"),
    ),
    (s.CACHE_READ.key, ("gen_ai.usage.cache_read_input_tokens", "llm.token_count.prompt_details.cache_read")),
    (
        s.CACHE_WRITE.key,
        (
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
    ),
    (
        s.REASONING.key,
        (
            "gen_ai.usage.reasoning_tokens",
            "llm.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ),
    ),
    (s.REQUEST_STREAM.key, ("llm.is_streaming", "gen_ai.is_streaming")),
    (s.REQUEST_TIER.key, ("gen_ai.openai.request.service_tier", "gen_ai.request.service_tier")),
    (s.RESPONSE_TIER.key, ("gen_ai.openai.response.service_tier", "gen_ai.response.service_tier")),
)
"""A key of the conventions, and what it is called elsewhere: before 2025, by OpenInference, OpenLLMetry, Hebo."""
KINDS: Final = (
    ("openinference.span.kind", "LLM", "chat"),
    ("openinference.span.kind", "EMBEDDING", "embeddings"),
    ("llm.request.type", "chat", "chat"),
    ("llm.request.type", "completion", "text_completion"),
    ("llm.request.type", "embedding", "embeddings"),
)
"""A key, its word for a call of a model, and the operation; not so for chains, agents, tools and workflows."""
OPERATION_IDS: Final = (("[.]do(Generate|Stream)$", "chat"), ("[.]doEmbed$", "embeddings"))
"""How Vercel's spans say that they are the call itself, not what is around it."""
AROUND: Final = ("CHAIN", "AGENT", "TOOL", "RETRIEVER", "RERANKER", "GUARDRAIL", "EVALUATOR", "PROMPT", "UNKNOWN")
PROVIDERS: Final = (
    ("azure.ai.openai", "^(az|azure)([._-]ai)?([._-](openai|inference))?([._].*)?$"),
    ("openai", "^openai([._-].*)?$"),
    ("x_ai", "^x[._-]?ai([._-].*)?$"),
    ("groq", "^groq([._-].*)?$"),
    ("aws.bedrock", "^(aws|amazon)([._-]bedrock)?$"),
)
"""What instrumentations call the rows of the catalog."""
PARAMETERS: Final = "llm.invocation_parameters"
REQUESTED_BY: Final = 'span.cache["parameters"]'
HOST, TRUSTED, ECHO, ERROR, PAIR = (f'span.cache["{n}"]' for n in ("host", "trusted", "echo", "error", "pair"))


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def names() -> Iterator[str]:
    """Yield what gives a span the conventions' names; what has them already keeps its values."""
    for key, others in RENAMED:
        yield from (put(span(key), span(other), f"{span(key)} == nil and {span(other)} != nil") for other in others)
    yield from _tier_of_parameters()
    yield from _operations()
    yield put(span(s.PROVIDER), f'ConvertCase({span(s.PROVIDER)}, "lower")', f"IsString({span(s.PROVIDER)})")
    yield from (put(span(s.PROVIDER), text(name), matches(span(s.PROVIDER), known)) for name, known in PROVIDERS)
    yield from _hosts()


def _tier_of_parameters() -> Iterator[str]:
    """OpenInference keeps the requested tier inside the JSON of all parameters."""
    yield put(REQUESTED_BY, f"ParseJSON({span(PARAMETERS)})", matches(span(PARAMETERS), "^[[:space:]]*[{]"))
    tier = f'{REQUESTED_BY}["service_tier"]'
    yield put(span(s.REQUEST_TIER), tier, f"{span(s.REQUEST_TIER)} == nil and IsString({tier})")


def _operations() -> Iterator[str]:
    operation = span(s.OPERATION)
    for key, word, name in KINDS:
        yield put(operation, text(name), f"{operation} == nil and {span(key)} == {text(word)}")
    for pattern, name in OPERATION_IDS:
        yield put(operation, text(name), f"{operation} == nil and {matches(span('ai.operationId'), pattern)}")


def _hosts() -> Iterator[str]:
    """A host says who answers better than a client library does."""
    address, base = span(s.SERVER_ADDRESS), span("gen_ai.openai.api_base")
    found = f'ExtractPatterns({base}, "^https?://(?P<host>[^/:]+)")'
    yield put(address, f'{found}["host"]', f"{address} == nil and {matches(base, '^https?://[^/:]+')}")
    yield put(HOST, f'ConvertCase({address}, "lower")', f"IsString({address})")
    for row in catalog.load().providers.values():
        if row.hosts:
            yield put(span(s.PROVIDER), text(row.name), _at(row.hosts))


def _at(hosts: Iterable[str]) -> str:
    return matches(HOST, f"^({'|'.join(_host(entry) for entry in hosts)})$")


def _host(entry: str) -> str:
    """Return a pattern for an exact name, a suffix with a leading dot, or a name with one `*` for a region."""
    head, star, tail = entry.partition("*")
    return f"{'.*' if entry.startswith('.') else ''}{literal(head)}{'[^.]+' if star else ''}{literal(tail)}"


# ── tiers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def verdict() -> Iterator[str]:
    """Yield what says the tiers and the outcome of a model's call; only where nobody has said them."""
    yield put(span(s.DERIVED), "true")
    yield from _canonical(span(s.TIER_REQUESTED), span(s.REQUEST_TIER), keep=(words.AUTO,))
    yield from _canonical(span(s.TIER_SERVED), span(s.RESPONSE_TIER), keep=())
    yield from _echo()
    yield put(span(s.TIER_EXPECTED), text(words.UNKNOWN))
    yield put(span(s.TIER_EXPECTED), span(s.TIER_REQUESTED), is_word(span(s.TIER_REQUESTED), _in_order(words.WIRE)))
    yield from _trust()
    yield from _outcome()
    yield from _failures()


def _in_order(known: Iterable[str]) -> list[str]:
    return [tier for tier in words.CANONICAL if tier in set(known)]


def _canonical(to: str, raw: str, keep: tuple[str, ...]) -> Iterator[str]:
    yield put(to, text(words.UNREPORTED))
    yield put(to, f'ConvertCase({raw}, "lower")', f'IsString({raw}) and {raw} != ""')
    if words.AUTO not in keep:
        yield put(to, text(words.UNREPORTED), f"{to} == {text(words.AUTO)}")
    yield from (put(to, text(tier), f"{to} == {text(raw_word)}") for raw_word, tier in words.ALIASES.items())
    for row in catalog.load().providers.values():
        for raw_word, tier in row.aliases.items():
            if raw_word not in words.ALIASES:
                is_theirs = f"{span(s.PROVIDER)} == {text(row.name)}"
                yield put(to, text(tier), f"{to} == {text(raw_word)} and {is_theirs}")
    yield put(to, text(words.OTHER), f"not {is_word(to, (*_in_order(words.WIRE), *keep, words.UNREPORTED))}")


def _echo() -> Iterator[str]:
    """Microsoft.Extensions.AI takes the first tier of a Responses stream, which repeats the request."""
    language = f'resource.attributes["telemetry.sdk.language"] == {text("dotnet")}'
    is_stream = f"{span(s.REQUEST_STREAM)} == true and {span(s.API_TYPE)} != {text('chat_completions')}"
    yield put(ECHO, "true", f"{language} and {is_stream} and {span(s.RESPONSE_TIER)} != nil")
    yield put(span(s.TIER_SERVED), text(words.UNREPORTED), f"{ECHO} == true")


def _trust() -> Iterator[str]:
    """Believed is a host that the catalog or the operator names; without a host, a provider that the operator names."""
    yield put(HOST, f'ConvertCase({span(s.SERVER_ADDRESS)}, "lower")', f"IsString({span(s.SERVER_ADDRESS)})")
    yield put(TRUSTED, "false")
    yield put(TRUSTED, "true", _at(host for row in _trusted() for host in row.hosts))
    theirs = variable("TIERSCOPE_TRUSTED_HOST_PATTERN", NEVER)
    yield put(TRUSTED, "true", f"{HOST} != nil and IsMatch({HOST}, {theirs})")
    hostless = f"{span(s.SERVER_ADDRESS)} == nil and {span(s.PROVIDER)} != nil"
    providers = variable("TIERSCOPE_HOSTLESS_PROVIDERS", NEVER)
    yield put(TRUSTED, "true", f"{hostless} and IsMatch({span(s.PROVIDER)}, {providers})")


def _trusted() -> list[Provider]:
    return [row for row in catalog.load().providers.values() if row.trust == "yes"]


def _outcome() -> Iterator[str]:
    outcome, served = span(s.TIER_OUTCOME), span(s.TIER_SERVED)
    yield put(PAIR, f'Concat([{span(s.TIER_EXPECTED)}, {served}], ">")')
    yield put(outcome, text(words.UNVERIFIED))
    for word in (words.HONORED, words.UPGRADED, words.DOWNGRADED):
        pairs = [f"{e}>{g}" for (e, g), told in tiers.TABLE.items() if told == word and {e, g} <= words.WIRE]
        yield put(outcome, text(word), is_word(PAIR, pairs))
    is_open = f"{span(s.TIER_EXPECTED)} == {text(words.UNKNOWN)} and {is_word(served, _in_order(words.WIRE))}"
    yield put(outcome, text(words.RESOLVED), is_open)
    yield put(outcome, text(words.UNREPORTED), f"{served} == {text(words.UNREPORTED)}")
    yield put(outcome, text(words.UNVERIFIED), f"{TRUSTED} != true or {ECHO} == true")


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _failures() -> Iterator[str]:
    """An error is a refusal only where its text holds the status and the words that the provider's row tells."""
    outcome = span(s.TIER_OUTCOME)
    yield put(outcome, text(words.FAILED), "span.status.code == STATUS_CODE_ERROR")
    yield put(ERROR, "span.status.message", f"{outcome} == {text(words.FAILED)}")
    code = f'Concat([{span(s.ERROR_TYPE)}, {ERROR}], " ")'
    yield put(ERROR, code, f"{outcome} == {text(words.FAILED)} and {span(s.ERROR_TYPE)} != nil")
    for row in catalog.load().providers.values():
        if row.key == row.name:
            yield from (put(outcome, text(words.REFUSED), _refused(row, refusal)) for refusal in row.refusals)


def _refused(row: Provider, refusal: Refusal) -> str:
    said = refusal.pattern or refusal.code or f"param[^a-z]+{refusal.param}"
    number = f"(^|[^0-9]){refusal.status}([^0-9]|$)"
    asked = "" if refusal.tier == "*" else f" and {span(s.TIER_REQUESTED)} == {text(refusal.tier)}"
    status = f"({span('http.response.status_code')} == {refusal.status} or {matches(ERROR, number)})"
    other = matches(ERROR, either(sorted((RATE_CODES - {"tokens", "requests"}) | SPEND_CODES)))
    return (
        f"{span(s.TIER_OUTCOME)} == {text(words.FAILED)} and {span(s.PROVIDER)} == {text(row.name)}{asked}"
        f" and {status} and {matches(ERROR, f'(?i){said}')} and not {other}"
    )


def priced_by_request() -> Iterator[str]:
    """Yield what puts the tier that served where an intake reads the one asked for; none where it is unknown."""
    asked = "gen_ai.request.service_tier"
    yield f"delete_key(span.attributes, {text(asked)})"
    yield put(span(asked), span(s.TIER_SERVED), is_word(span(s.TIER_SERVED), _in_order(words.CANONICAL)))
