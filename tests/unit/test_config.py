"""Settings: what the environment may say, what it means, and how a mistake is told."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tierscope.config import SettingError, Settings

DEFAULT_TIER: Final = "TIERSCOPE_DEFAULT_TIER"
EXPECTED: Final = "TIERSCOPE_EXPECTED_TIERS"
HOSTS: Final = "TIERSCOPE_TRUSTED_HOSTS"
STREAM: Final = "TIERSCOPE_STREAM_USAGE"
GENAI: Final = "TIERSCOPE_GENAI_METRICS"
LEDGER: Final = "TIERSCOPE_LEDGER"
MAX_ROWS: Final = "TIERSCOPE_LEDGER_MAX_ROWS"
MAX_DAYS: Final = "TIERSCOPE_LEDGER_MAX_DAYS"
CATALOG: Final = "TIERSCOPE_CATALOG"
POLICY: Final = "TIERSCOPE_POLICY"
HTTP: Final = "TIERSCOPE_HTTP"
SERVICE: Final = "OTEL_SERVICE_NAME"
RESOURCE: Final = "OTEL_RESOURCE_ATTRIBUTES"
ENABLED: Final = "TIERSCOPE_ENABLED"
KEYS: Final = (
    DEFAULT_TIER,
    EXPECTED,
    HOSTS,
    STREAM,
    GENAI,
    LEDGER,
    MAX_ROWS,
    MAX_DAYS,
    CATALOG,
    POLICY,
    SERVICE,
    HTTP,
    ENABLED,
)
FIELDS: Final = {
    DEFAULT_TIER: "default_tier",
    EXPECTED: "expected_tiers",
    HOSTS: "trusted_hosts",
    STREAM: "stream_usage",
    GENAI: "genai_metrics",
    LEDGER: "ledger",
    MAX_ROWS: "ledger_max_rows",
    MAX_DAYS: "ledger_max_days",
    CATALOG: "catalog",
    POLICY: "policy",
    SERVICE: "service",
    HTTP: "http",
    ENABLED: "enabled",
}
DEFAULTS: Final[dict[str, Any]] = {
    DEFAULT_TIER: None,
    EXPECTED: {},
    HOSTS: {},
    STREAM: "never",
    GENAI: True,
    LEDGER: None,
    MAX_ROWS: None,
    MAX_DAYS: None,
    CATALOG: None,
    POLICY: None,
    SERVICE: None,
    HTTP: False,
    ENABLED: True,
}


def read(**environ: str) -> dict[str, Any]:
    """Return every setting by its key."""
    settings = Settings.from_env(environ)
    return {key: getattr(settings, name) for key, name in FIELDS.items()}


def test_without_settings_no_byte_changes_and_no_file_is_written() -> None:
    """The defaults: usage never asked for, no ledger, nothing promised, no host trusted but the documented ones."""
    assert read() == DEFAULTS
    assert Settings.from_env({}) == Settings()


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize("key", KEYS)
def test_a_blank_value_is_the_same_as_none(key: str, blank: str) -> None:
    assert read(**{key: blank}) == DEFAULTS


ALL_ON: Final = ("on", "ON", " On ", "true", "True", "1")
ALL_OFF: Final = ("off", "OFF", " off", "false", "FALSE", "0")
VALID: Final = [
    *((DEFAULT_TIER, word, word) for word in ("flex", "default", "priority", "scale", "ultrafast")),
    (DEFAULT_TIER, "fast", "priority"),
    (DEFAULT_TIER, " standard ", "default"),
    *((STREAM, word, word.strip().lower()) for word in ("never", "auto", "always", "AUTO", " Always ")),
    *((key, word, True) for key in (GENAI, HTTP, ENABLED) for word in ALL_ON),
    *((key, word, False) for key in (GENAI, HTTP, ENABLED) for word in ALL_OFF),
    (LEDGER, "calls.db", "calls.db"),
    (MAX_ROWS, " 1000000 ", 1_000_000),
    (MAX_ROWS, "1", 1),
    (MAX_DAYS, "030", 30),
    (CATALOG, " own prices.json ", "own prices.json"),
    (POLICY, " our policy.toml ", "our policy.toml"),
    (SERVICE, " shop %41 ", "shop %41"),
    (LEDGER, " /var/lib/my calls.db ", "/var/lib/my calls.db"),
    (EXPECTED, "project:proj_a=scale", {("project", "proj_a"): "scale"}),
    (EXPECTED, "deployment:Prod=fast", {("deployment", "Prod"): "priority"}),
    (EXPECTED, "host:API.Example.com=flex", {("host", "api.example.com"): "flex"}),
    (EXPECTED, " project : P = standard , ,", {("project", "P"): "default"}),
    (
        EXPECTED,
        "project:a=flex,host:a=scale,deployment:a=default",
        {("project", "a"): "flex", ("host", "a"): "scale", ("deployment", "a"): "default"},
    ),
    (HOSTS, "llm.example.com", {"llm.example.com": None}),
    (HOSTS, "LLM.Example.com = litellm", {"llm.example.com": "litellm"}),
    (HOSTS, "127.0.0.1:8080=openai", {"127.0.0.1:8080": "openai"}),
    (HOSTS, "a,,b=groq, c=", {"a": None, "b": "groq", "c": None}),
]


@pytest.mark.parametrize(("key", "value", "meaning"), VALID, ids=[f"{key[10:]}={value!r}" for key, value, _ in VALID])
def test_a_value_sets_its_own_setting_and_no_other(key: str, value: str, meaning: object) -> None:
    assert read(**{key: value}) == {**DEFAULTS, key: meaning}


RESOURCES: Final = [
    ("service.name=shop", "shop"),
    ("a=b, service.name = my%20shop ,c=d", "my shop"),
    ("service.name=a,service.name=b", "b"),
    ("service.name=", None),
    ("service.namespace=shop", None),
    ("no pairs", None),
    (" ", None),
]


@pytest.mark.parametrize(("value", "name"), RESOURCES)
def test_the_service_is_named_among_the_attributes_of_the_resource_too(value: str, name: str | None) -> None:
    """As the SDK reads them: encoded, and the last one counts; but its own variable wins."""
    assert read(**{RESOURCE: value}) == {**DEFAULTS, SERVICE: name}
    assert read(**{RESOURCE: value, SERVICE: "own"}) == {**DEFAULTS, SERVICE: "own"}


TIERS: Final = "use one of default, fast, flex, priority, scale, standard, ultrafast"
SUBJECTS: Final = "write project:ID=tier, host:NAME=tier or deployment:NAME=tier"
SWITCH: Final = "use one of on, off, true, false, 1, 0"
COUNT: Final = "write a whole number above 0, or nothing to keep all"
INVALID: Final = [
    (DEFAULT_TIER, "Priority", "Priority", TIERS),
    (DEFAULT_TIER, "auto", "auto", TIERS),
    (DEFAULT_TIER, "batch", "batch", TIERS),
    (DEFAULT_TIER, "_OTHER", "_OTHER", TIERS),
    (EXPECTED, "priority", "priority", SUBJECTS),
    (EXPECTED, "team:a=flex", "team:a=flex", SUBJECTS),
    (EXPECTED, "Project:a=flex", "Project:a=flex", SUBJECTS),
    (EXPECTED, "project:=flex", "project:=flex", SUBJECTS),
    (EXPECTED, "project:a=flex,=", "=", SUBJECTS),
    (EXPECTED, "project:a", "project:a", TIERS),
    (EXPECTED, "project:a=", "project:a=", TIERS),
    (EXPECTED, "host:h=flex,project:a=gold", "project:a=gold", TIERS),
    (EXPECTED, "project:a=flex=scale", "project:a=flex=scale", TIERS),
    (HOSTS, "https://llm.example.com", "https://llm.example.com", "write a host name, without scheme or path"),
    (HOSTS, "llm.example.com/v1=litellm", "llm.example.com/v1=litellm", "write a host name, without scheme or path"),
    (HOSTS, "a,=litellm", "=litellm", "write a host name, without scheme or path"),
    (STREAM, "Sometimes", "Sometimes", "use one of never, auto, always"),
    (STREAM, "on", "on", "use one of never, auto, always"),
    (GENAI, "Maybe", "Maybe", SWITCH),
    (ENABLED, "yes", "yes", SWITCH),
    (HTTP, "yes", "yes", SWITCH),
    *(
        (key, word, word, COUNT)
        for key in (MAX_ROWS, MAX_DAYS)
        for word in ("0", "-1", "1.5", "1e6", "all", "1_000", "\u0663", "1" * 13)
    ),
]


@pytest.mark.parametrize(
    ("key", "value", "named", "remedy"), INVALID, ids=[f"{key[10:]}={value}" for key, value, *_ in INVALID]
)
def test_a_mistake_is_told_with_key_value_and_remedy(key: str, value: str, named: str, remedy: str) -> None:
    """The value as it was written, of a list the entry that is wrong, and what to write instead."""
    with pytest.raises(SettingError) as told:
        Settings.from_env({key: value})
    message = str(told.value)
    assert message.startswith(f"{key}={named!r}: ")
    assert remedy in message


def test_one_mistake_leaves_nothing_half_read() -> None:
    """Whatever else is right: Tierscope is off, or on as it was told to be."""
    with pytest.raises(SettingError, match=ENABLED):
        Settings.from_env({DEFAULT_TIER: "flex", LEDGER: "calls.db", ENABLED: "perhaps"})


def test_a_setting_error_is_a_value_error() -> None:
    assert issubclass(SettingError, ValueError)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, st.text())))
@example({HOSTS: "İ"})
@example({EXPECTED: "host:=:,="})
@example({STREAM: "\ud800"})
def test_any_text_is_a_setting_or_a_setting_error_that_names_its_key(environ: dict[str, str]) -> None:
    """Nothing else is ever raised, and what is accepted stays within its closed words."""
    try:
        told = read(**environ)
    except SettingError as error:
        assert str(error).partition("=")[0] in environ  # noqa: PT017  both ways out are right
        return
    tiers = {told[DEFAULT_TIER], *told[EXPECTED].values()}
    assert tiers <= {None, "flex", "default", "priority", "scale", "ultrafast"}
    assert told[STREAM] in {"never", "auto", "always"}
    assert told[CATALOG] == (environ.get(CATALOG, "").strip() or None)
    assert told[LEDGER] == (environ.get(LEDGER, "").strip() or None)
    assert not any("/" in host or not host for host in told[HOSTS])


names = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=20)
subjects = st.tuples(st.sampled_from(["project", "host", "deployment"]), names)


@given(st.dictionaries(subjects, st.sampled_from(["flex", "default", "priority", "scale", "ultrafast"])))
def test_a_table_of_expectations_is_read_back_as_it_was_written(table: dict[tuple[str, str], str]) -> None:
    written = ",".join(f"{subject}:{name}={tier}" for (subject, name), tier in table.items())
    lower = {(kind, name.lower() if kind == "host" else name): tier for (kind, name), tier in table.items()}
    assert read(**{EXPECTED: written})[EXPECTED] == lower


def test_the_process_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv(DEFAULT_TIER, "fast")
    assert Settings.from_env() == Settings(default_tier="priority")


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().enabled = False  # type: ignore[misc]
