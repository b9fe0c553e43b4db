"""The rows of providers: whom a host belongs to, what is documented of it, and how it refuses a tier."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierscope import tiers
from tierscope.catalog import Catalog, Provider, Refusal, load
from tierscope.model import Failure
from tierscope.reading import errors

CATALOG: Final = load()
OTHER: Final = "_OTHER"
AZURE: Final = "azure.ai.openai"

# ── hosts: exact, by suffix, by region; nothing else ──────────────────────────────────────────────────────────────
HOSTS: Final = {
    "openai": [
        "api.openai.com", "us.api.openai.com", "eu.api.openai.com", "ae.api.openai.com", "au.api.openai.com",
        "in.api.openai.com", "jp.api.openai.com", "mtls.api.openai.com", "mtls-us.api.openai.com",
        "mtls-eu.api.openai.com", "API.OpenAI.com",
    ],
    "openai.chatgpt": ["chatgpt.com", "ChatGPT.com"],
    AZURE: [
        "x.openai.azure.com", "my-res-01.openai.azure.com", "x.services.ai.azure.com", "x.cognitiveservices.azure.com",
        "X.OpenAI.Azure.com", "a.b.openai.azure.com",
    ],
    "x_ai": ["api.x.ai"],
    "groq": ["api.groq.com"],
    "fireworks": ["api.fireworks.ai", "us.api.fireworks.ai"],
    "openrouter": ["openrouter.ai"],
    "aws.bedrock": [
        "bedrock-runtime.us-east-1.amazonaws.com", "bedrock-runtime.eu-central-1.amazonaws.com",
        "bedrock-mantle.us-west-2.api.aws",
    ],
    OTHER: [
        # look-alikes
        "api.openai.com.evil.example", "evil-api.openai.com", "xapi.openai.com", "openai.com", "fr.api.openai.com",
        "api.openai.com:443", "api.openai.com.", "api-openai.com", "api.openai.co", "https://api.openai.com",
        "openai.azure.com", "xopenai.azure.com", "x.openai.azure.com.evil.example", "x.openai.azure.com.", "azure.com",
        "x.azure-api.net", "x.openai.azure.us", "x.openai.azure.com:443", "services.ai.azure.com",
        "api.groq.com.evil.example", "groq.com", "eu.api.fireworks.ai", "x.openrouter.ai", "x.chatgpt.com", "api.xx.ai",
        "bedrock-runtime.amazonaws.com", "bedrock-runtime..amazonaws.com",
        "bedrock-runtime.x.amazonaws.com.evil.example", "bedrock-runtimeus-east-1amazonaws.com",
        "evil.bedrock-runtime.x.amazonaws.com", "bedrock-runtime.evil.s3.amazonaws.com",
        "bedrock.us-east-1.amazonaws.com",
        "bedrock-mantle.us-west-2.amazonaws.com", "bedrock-mantle.a.b.api.aws",
        # no names at all
        "127.0.0.1", "::1", "localhost", "20.1.2.3", "2606:4700::1", "", "*", ".", ".openai.azure.com.", "_OTHER",
        "\u0430pi.openai.com", "ap\u0131.openai.com", "api.openai.com\u3002",
    ],
}  # fmt: skip
WHERE: Final = [pytest.param(host, key, id=f"{key}-{host!a}") for key, hosts in HOSTS.items() for host in hosts]


@pytest.mark.parametrize(("host", "key"), WHERE)
def test_a_host_belongs_to_its_row_alone(host: str, key: str) -> None:
    """The parsed host counts, never a part of it; whatever is not named is nobody's, and not trusted."""
    row = CATALOG.of_host(host)
    assert row.key == key
    assert row.trust != "yes" or key in {"openai", AZURE, "x_ai", "groq", "openrouter"}


def test_no_host_is_nobodys() -> None:
    assert CATALOG.of_host(None) is CATALOG.providers[OTHER]


NAMED: Final = [host for row in CATALOG.providers.values() for host in row.hosts]
label: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)


@given(st.sampled_from(NAMED), label, label)
def test_what_is_written_behind_a_host_makes_it_anothers(host: str, region: str, behind: str) -> None:
    """Exact, suffix and region alike."""
    real = host.replace("*", region) if "*" in host else f"{region}{host}" if host.startswith(".") else host
    assert CATALOG.of_host(real).key != OTHER
    for fake in (f"{real}.{behind}", f"{real}{behind}", f"{real}.", f"{real}:443", f"{real}/x", f"{real}@x"):
        assert CATALOG.of_host(fake).key == OTHER


@given(st.sampled_from([host for host in NAMED if not host.startswith(".")]), label)
def test_what_is_written_before_a_host_makes_it_anothers(host: str, before: str) -> None:
    """A name of its own, whoever owns the domain; only names that are listed are known."""
    real = host.replace("*", "us-east-1")
    fake = f"{before}.{real}"
    assert CATALOG.of_host(fake).key in ({OTHER} if fake not in NAMED else {CATALOG.of_host(real).key})
    assert CATALOG.of_host(f"x{real}").key == OTHER


@given(st.sampled_from(NAMED), st.data())
def test_the_case_of_a_host_means_nothing(host: str, data: Any) -> None:
    real = host.replace("*", "us-east-1").lstrip(".")
    real = f"x.{real}" if host.startswith(".") else real
    odd = "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in real)
    assert CATALOG.of_host(odd) is CATALOG.of_host(real)


def test_no_host_is_named_twice() -> None:
    assert len(NAMED) == len(set(NAMED))


# ── what is documented of each ────────────────────────────────────────────────────────────────────────────────────
def row(key: str, name: str, trust: str, **fields: Any) -> Any:
    plain = {"request_header": None, "response_header": None, "unset_means": None, "auto_means": None}
    return pytest.param(
        key,
        {**plain, "header_auto_means": None, "stream_usage": "unknown", "name": name, "trust": trust, **fields},
        id=key,
    )


ROWS: Final = [
    row("openai", "openai", "yes", stream_usage="known"),
    row("openai.chatgpt", "openai", "no"),
    row(AZURE, AZURE, "yes", request_header="x-ms-service-tier", header_auto_means="priority", stream_usage="known"),
    row("x_ai", "x_ai", "yes", unset_means="default"),
    row("groq", "groq", "yes", unset_means="default"),
    row("fireworks", "fireworks", "configured", unset_means="default"),
    row("openrouter", "openrouter", "yes"),
    row("litellm", "litellm", "configured"),
    row("aws.bedrock", "aws.bedrock", "configured", unset_means="default"),
    row(OTHER, "openai", "no"),
]


@pytest.mark.parametrize(("key", "fields"), ROWS)
def test_a_row_says_what_is_documented(key: str, fields: dict[str, Any]) -> None:
    """Name, trust, where the tier stands, and what an omitted tier or `auto` promises."""
    provider = CATALOG.providers[key]
    assert {name: getattr(provider, name) for name in fields} == fields
    assert provider.key == key


def test_there_are_no_other_rows() -> None:
    assert list(CATALOG.providers) == [param.id for param in ROWS]


WORDS: Final = [
    ("openai", "fast", "priority"), ("openai", "standard", "default"), ("openai", "on_demand", OTHER),
    ("groq", "on_demand", "default"), ("groq", "performance", "priority"), ("groq", "flex", "flex"),
    ("groq", "fast", "priority"), ("groq", "auto", "auto"), ("openrouter", "standard", "default"),
    ("openrouter", "scale", "scale"), ("openrouter", "performance", OTHER), ("aws.bedrock", "reserved", "scale"),
    ("aws.bedrock", "priority", "priority"), ("x_ai", "priority", "priority"), ("x_ai", "reserved", OTHER),
    (AZURE, "priority", "priority"), (OTHER, "on_demand", OTHER), ("litellm", "fast", "priority"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "raw", "word"), WORDS)
def test_a_hosts_words_are_its_own(key: str, raw: str, word: str) -> None:
    """Two aliases are everybody's."""
    assert tiers.requested(raw, CATALOG.providers[key].aliases) == word


# ── refusals: (row, status, tier asked, code, param, message) → refused ───────────────────────────────────────────
FULL: Final = "429: Resource unavailable, try again later"
REFUSALS: Final = [
    pytest.param("groq", 498, "flex", "capacity_exceeded", None, None, True, id="groq-498"),
    pytest.param("groq", 498, "flex", None, None, "capacity_exceeded", False, id="groq-498-without-the-code"),
    pytest.param("groq", 498, "flex", "other", None, None, False, id="groq-498-with-another"),
    pytest.param("groq", 498, "default", "capacity_exceeded", None, None, False, id="groq-498-on-demand"),
    pytest.param("groq", 429, "flex", "capacity_exceeded", None, FULL, False, id="groq-429"),
    pytest.param("fireworks", 503, "priority", None, None, "load shedding", False, id="fireworks-503"),
    pytest.param("openai", 429, "flex", None, None, FULL, True, id="openai-flex"),
    pytest.param("openai", 429, "flex", "RESOURCE_UNAVAILABLE", None, None, True, id="openai-flex-code"),
    pytest.param("openai", 429, "priority", None, None, FULL, False, id="openai-priority"),
    pytest.param("openai", 429, "flex", None, None, "Too many requests", False, id="openai-flex-rate"),
    pytest.param("openai", 400, "flex", None, None, "flex is not there", False, id="openai-flex-400"),
    pytest.param("openai.chatgpt", 400, "priority", None, "service_tier", None, False, id="chatgpt-documents-none"),
    pytest.param(AZURE, 429, "flex", None, None, FULL, True, id="azure-flex"),
    pytest.param(AZURE, 429, "flex", None, None, "quota", False, id="azure-flex-quota"),
    pytest.param(AZURE, 400, "flex", None, None, "Flex is not supported for this model", True, id="azure-flex-400"),
    pytest.param(AZURE, 400, "flex", None, None, "bad messages", False, id="azure-flex-another-400"),
    pytest.param(AZURE, 400, "priority", None, None, "flex", False, id="azure-priority-400"),
    pytest.param("litellm", 429, "flex", None, None, FULL, True, id="litellm-as-upstream"),
    pytest.param(OTHER, 429, "flex", None, None, FULL, True, id="anybody-flex"),
    pytest.param("x_ai", 429, "flex", None, None, FULL, False, id="x-ai-documents-none"),
    pytest.param("openrouter", 429, "flex", None, None, FULL, False, id="openrouter-documents-none"),
    pytest.param("aws.bedrock", 429, "flex", None, None, FULL, False, id="bedrock-documents-none"),
    pytest.param("fireworks", 429, "flex", None, None, FULL, False, id="fireworks-documents-none"),
    *(
        pytest.param(key, 400, tier, "x", "service_tier", None, True, id=f"{key}-400-{tier}")
        for key in ("openai", AZURE, "x_ai", "groq", "fireworks", "openrouter", "litellm", "aws.bedrock", OTHER)
        for tier in ("priority", "unset", OTHER)
    ),
]


@pytest.mark.parametrize(("key", "status", "asked", "code", "param", "message", "is_refused"), REFUSALS)
def test_a_refusal_is_what_the_host_documents(
    key: str, status: int, asked: str, code: str | None, param: str | None, message: str | None, is_refused: bool
) -> None:
    """All else is a failure."""
    error = {"code": code, "param": param, "message": message}
    told = errors.of_error(error, status=status, requested=asked, refusals=CATALOG.providers[key].refusals)
    assert told.message_matches is is_refused
    assert (errors.attempt_result(status, told) == "refused") is is_refused


CODED: Final = Refusal("flex", 498, code="a", param="p")
MATCHES: Final = [
    pytest.param(CODED, "flex", 498, "a", "p", True, id="both"),
    pytest.param(CODED, "flex", 498, "a", None, False, id="code-alone"),
    pytest.param(CODED, "flex", 498, None, "p", False, id="param-alone"),
    pytest.param(CODED, "flex", None, "a", "p", False, id="no-status"),
    pytest.param(CODED, "auto", 498, "a", "p", False, id="another-tier"),
    pytest.param(Refusal("*", 400, code="a"), "any", 400, "a", "x", True, id="any-tier-any-param"),
    pytest.param(Refusal("*", 400, param="p"), "any", 400, "x", "p", True, id="any-tier-any-code"),
    pytest.param(Refusal("*", 400), "any", 400, "a", "p", False, id="a-status-alone-is-none"),
    pytest.param(Refusal("*", 400, code="a", pattern=re.compile("m")), "any", 400, "x", None, False, id="code-decides"),
]


@pytest.mark.parametrize(("refusal", "asked", "status", "code", "param", "is_match"), MATCHES)
def test_a_refusal_matches_all_it_names(
    refusal: Refusal, asked: str, status: int | None, code: str | None, param: str | None, is_match: bool
) -> None:
    assert refusal.matches(asked, status, code=code, param=param, message="m") is is_match


# ── long prompts ──────────────────────────────────────────────────────────────────────────────────────────────────
EXCLUDED: Final = [
    ("openai", "gpt-5.5", True), ("openai", "gpt-5.4", True), ("openai", "gpt-5.4-mini", True),
    ("openai", "gpt-4.1", True), ("openai", "gpt-4.1-mini", True), ("openai", "gpt-4.1-nano", True),
    ("openai", "gpt-4.1-2025-04-14", True), (AZURE, "gpt-5.4", True), (AZURE, "gpt-4.1-2025-04-14", True),
    (AZURE, "gpt-5.5", False), (AZURE, "gpt-4.1-mini", False), ("openai", "gpt-5.6-sol", False),
    ("openai", "gpt-4.1-2025", False), ("openai", "gpt-4.1-2025-04-14x", False), ("openai", "GPT-4.1", False),
    ("openai", "ft:gpt-4.1", False), ("openai", "", False), ("openai", None, False), ("groq", "gpt-4.1", False),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "model", "is_excluded"), EXCLUDED)
def test_some_promises_exclude_long_prompts(provider: str, model: str | None, is_excluded: bool) -> None:
    """A dated snapshot is its model."""
    assert CATALOG.excludes_long_context(provider, model) is is_excluded


def test_the_table_is_read_once_and_cannot_be_changed() -> None:
    assert load() is load(None) is CATALOG
    for thing in (CATALOG, CATALOG.providers["openai"], CODED):
        with pytest.raises(AttributeError):
            setattr(
                thing,
                "key" if isinstance(thing, Provider) else "tier" if isinstance(thing, Refusal) else "providers",
                "x",
            )
    assert Catalog({OTHER: CATALOG.providers[OTHER]}, frozenset()).of_host("api.openai.com").trust == "no"


def test_a_refusals_message_is_never_kept() -> None:
    told = errors.of_error(
        {"message": FULL}, status=429, requested="flex", refusals=CATALOG.providers["openai"].refusals
    )
    assert told == Failure(OTHER, 429, message_matches=True)
