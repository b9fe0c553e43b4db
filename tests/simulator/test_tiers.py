"""Which tier a request gets: defaults, refusals and downgrades."""

import time
from dataclasses import replace

import openai
import pytest

from tierscope.simulator import Deployment, Limits, Profile, Project, TierRules


def prompt(tokens):
    return [{"role": "user", "content": f"<<tokens:{tokens}>>"}]


@pytest.mark.parametrize(
    ("default", "asked", "served"),
    [
        ("standard", None, "default"),
        ("standard", "auto", "default"),
        ("fast", None, "priority"),
        ("fast", "auto", "priority"),
        ("fast", "default", "default"),
        ("standard", "fast", "priority"),
        ("standard", "flex", "flex"),
    ],
)
def test_project_default_speaks_for_auto_and_unset(bench_for, default, asked, served):
    """`auto` and nothing mean the project's default; explicit words mean themselves."""
    bench = bench_for(Profile.fast(projects={"proj_a": Project(default_tier=default)}))
    sent = {} if asked is None else {"service_tier": asked}
    assert bench.chat(client=bench.openai(project="proj_a"), **sent).service_tier == served
    assert (bench.row().requested, bench.row().project) == (asked, "proj_a")


@pytest.mark.parametrize(
    ("model", "asked", "served"),
    [("gpt-6-sol", "priority", "fast"), ("gpt-6-sol", "fast", "fast"), ("gpt-5", "fast", "priority")],
)
def test_gpt_6_answers_fast_and_others_priority(bench, model, asked, served):
    """One tier, two words: which one is answered depends on the model."""
    assert bench.chat(model=model, service_tier=asked).service_tier == served
    assert (bench.row().expected, bench.row().cause) == ("priority", "none")


def test_ultrafast_is_for_two_models_and_not_every_region(bench, bench_for):
    """Ultrafast is served for gpt-6-astra, refused for gpt-5, and runs at default where the region has none."""
    assert bench.respond(model="gpt-6-astra", service_tier="ultrafast").service_tier == "ultrafast"
    with pytest.raises(openai.BadRequestError) as refused:
        bench.respond(service_tier="ultrafast")
    assert refused.value.param == "service_tier"
    europe = bench_for(Profile.fast(tiers=TierRules(ultrafast_region=False)))
    assert europe.respond(model="gpt-6.1-sol", service_tier="ultrafast").service_tier == "default"
    assert europe.row().cause == "region"


def test_scale_on_chat_is_refused_as_the_service_does(bench, bench_for):
    """An explicit `scale` on chat is 400 `invalid_value` on `service_tier`, unless the profile accepts it."""
    with pytest.raises(openai.BadRequestError) as refused:
        bench.chat(service_tier="scale")
    assert (refused.value.param, refused.value.code) == ("service_tier", "invalid_value")
    assert (bench.row().status, bench.row().requested, bench.row().ending) == (400, "scale", "error")
    open_to_it = bench_for(Profile.fast(tiers=TierRules(scale_request_on_chat=True)))
    assert open_to_it.chat(service_tier="scale").service_tier == "default"


@pytest.mark.parametrize("asked", ["priority", "fast", None], ids=["explicit", "alias", "resolved"])
def test_tier_not_enabled_for_the_project(bench_for, asked):
    """A tier the project may not use is 400, explicit or resolved; `fast` is checked as priority."""
    project = Project(default_tier="fast", enabled_tiers=frozenset({"flex"}))
    bench = bench_for(Profile.fast(projects={"proj_default": project}))
    with pytest.raises(openai.BadRequestError) as refused:
        bench.chat(**({"service_tier": asked} if asked else {}))
    assert (refused.value.param, refused.value.type) == ("service_tier", "invalid_request_error")
    assert "not allowed for this project" in refused.value.message


def test_long_context_is_served_default_on_marked_models(bench):
    """Above 128k prompt tokens priority is lost on gpt-4.1, kept on gpt-5, and kept on gpt-4.1 at the edge."""
    long, edge = prompt(128_001), prompt(128_000)
    client = bench.openai()
    tiers = [
        bench.chat(client=client, model=model, messages=messages, service_tier="priority").service_tier
        for model, messages in (("gpt-4.1", long), ("gpt-5", long), ("gpt-4.1", edge))
    ]
    assert tiers == ["default", "priority", "priority"]
    assert [(row.cause, row.input_tokens) for row in bench.rows(3)] == [
        ("long_context", 128_001),
        ("none", 128_001),
        ("none", 128_000),
    ]


def test_ramp_rate_downgrades_the_traffic_above_the_floor(bench_for):
    """A burst keeps priority up to the floor; what exceeds it is served default, and other tiers do not count."""
    bench = bench_for(Profile.fast(tiers=TierRules(ramp_floor_tpm=10_000), time_scale=1))
    client = bench.openai()
    for tier in ("priority", "default", "priority", "priority", "flex", "priority"):
        bench.chat(client=client, messages=prompt(4000), service_tier=tier)
    rows = bench.rows(6)
    assert [row.served for row in rows] == ["priority", "default", "priority", "default", "flex", "default"]
    assert [row.cause for row in rows] == ["none", "none", "none", "ramp_rate", "none", "ramp_rate"]


def test_time_scale_shortens_the_ramp_window(bench_for):
    """At 6000 simulated seconds a second the minute is over after 10 ms, and priority comes back."""
    bench = bench_for(Profile.fast(tiers=TierRules(ramp_floor_tpm=5_000), time_scale=6000))
    client = bench.openai()
    for _ in range(3):
        bench.chat(client=client, messages=prompt(4000), service_tier="priority")
        time.sleep(0.012)
    assert [row.cause for row in bench.rows(3)] == ["none", "none", "none"]


def test_peak_load_downgrades_a_seeded_share(bench_for):
    """The same seed downgrades the same requests for load, in about the share the profile names."""

    def causes():
        bench = bench_for(replace(Profile.fast(), seed=3, tiers=TierRules(peak_load=0.4)))
        client = bench.openai()
        for _ in range(20):
            bench.chat(client=client, service_tier="priority")
        return [row.cause for row in bench.rows(20)]

    first = causes()
    assert first == causes()
    assert 4 <= first.count("peak_load") <= 12


def test_scale_spills_over_when_the_entitlement_is_used_up(bench_for):
    """A scale project is served `scale` until a minute's input units are used, then `default`."""
    project = Project(default_tier="scale", scale_units={"gpt-4.1": (1, 1)})
    bench = bench_for(Profile.fast(projects={"proj_default": project}, time_scale=1))
    client = bench.openai()
    for _ in range(3):
        bench.chat(client=client, model="gpt-4.1", messages=prompt(14_000))
    assert [row.served for row in bench.rows(3)] == ["scale", "scale", "default"]
    assert [row.cause for row in bench.rows(3)] == ["none", "none", "scale_exhausted"]


def test_flex_is_refused_for_capacity_and_recovers_on_a_retry(bench_for):
    """Flex refusals are 429 Resource Unavailable per attempt: with retries a call can end well."""
    faults = replace(Profile.fast().faults, retry_after_ms=1)
    bench = bench_for(replace(Profile.fast(), seed=1, tiers=TierRules(flex_refusal=0.5), faults=faults))
    client = bench.openai(max_retries=8)
    for _ in range(4):
        assert bench.chat(client=client, service_tier="flex").service_tier == "flex"
    rows = bench.running.ledger.settle()
    refused = [row for row in rows if row.cause == "flex_capacity"]
    assert refused
    assert {(row.status, row.served) for row in refused} == {(429, None)}
    assert max(row.attempt for row in rows) > 1


def test_flex_refusal_says_resource_unavailable(bench_for):
    """The refusal carries the documented words and no code."""
    bench = bench_for(Profile.fast(tiers=TierRules(flex_refusal=1.0)))
    with pytest.raises(openai.RateLimitError) as refused:
        bench.chat(service_tier="flex")
    assert "Resource Unavailable" in refused.value.message
    assert refused.value.code is None


def test_flex_on_a_model_without_it_is_400(bench):
    """A model that has no flex refuses it on `service_tier`."""
    with pytest.raises(openai.BadRequestError) as refused:
        bench.chat(model="gpt-4.1", service_tier="flex")
    assert refused.value.param == "service_tier"


def test_rate_limit_is_shared_by_all_tiers(bench_for):
    """When the project's minute is used up, any tier gets 429 `rate_limit_exceeded`."""
    bench = bench_for(Profile.fast(limits=Limits(requests_per_minute=2), time_scale=1))
    client = bench.openai()
    bench.chat(client=client, service_tier="priority")
    bench.chat(client=client)
    with pytest.raises(openai.RateLimitError) as refused:
        bench.chat(client=client, service_tier="flex")
    assert refused.value.code == "rate_limit_exceeded"


AZURE_ROWS = [
    ("default", None, None, "default"),
    ("default", "auto", None, "default"),
    ("default", "default", None, "default"),
    ("default", "priority", None, "priority"),
    ("priority", None, None, "priority"),
    ("priority", "auto", None, "priority"),
    ("priority", "priority", None, "priority"),
    ("priority", "default", None, "default"),
    ("default", None, "auto", "priority"),
    ("priority", "default", "auto", "priority"),
    ("priority", "priority", "default", "default"),
    ("default", "default", "flex", "flex"),
]


@pytest.mark.parametrize(("deployed", "body", "header", "served"), AZURE_ROWS)
def test_azure_table_of_deployment_and_request(bench_for, deployed, body, header, served):
    """The article's table row by row, and the header that beats the body (its `auto` means priority)."""
    bench = bench_for(Profile.fast(deployments={"prod": Deployment("gpt-5", default_tier=deployed)}))
    sent = {"service_tier": body} if body else {}
    headers = {"x-ms-service-tier": header} if header else {}
    reply = bench.chat(client=bench.azure(), model="prod", extra_headers=headers, **sent)
    assert reply.service_tier == served
    assert (bench.row().requested, bench.row().requested_from) == (
        (header, "header") if header else (body, "body" if body else None)
    )


def test_azure_header_takes_no_other_word(bench):
    """Another word in the header is 400."""
    with pytest.raises(openai.BadRequestError):
        bench.chat(client=bench.azure(), extra_headers={"x-ms-service-tier": "fast"})


def test_openai_ignores_the_azure_header(bench):
    """Outside Azure the header means nothing."""
    assert bench.chat(extra_headers={"x-ms-service-tier": "priority"}).service_tier == "default"
