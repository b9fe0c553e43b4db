"""The admin API, by the real client's own resources: fields, groups, filters, pages, refusals; all from the ledger."""

import dataclasses
import time

import openai
import pytest

from tierscope.simulator import Faults, Ledger, Profile, Simulator
from tierscope.simulator.admin import ADMIN_KEY, SCOPE, UNSCOPED_KEY
from tierscope.simulator.prices import cost_pico

pytest.importorskip("openai.resources.admin")
BEFORE = 3_600


def admin(bench, key=ADMIN_KEY, **options):
    return bench.openai(api_key=key, admin_api_key=key, **options).admin.organization


def start():
    return int(time.time()) - BEFORE


def results(page):
    return [result for bucket in page.data for result in bucket.results]


@pytest.fixture
def alone(bench_for):
    """A server with a ledger of its own."""
    return bench_for(Profile.fast())


def test_usage_is_what_was_served(alone, order):
    """Grouped by model, tier and project: requests and tokens of the two groups, cached ones apart; the widths differ.

    Two priority calls of 100 in (64 cached) and 20 out, 7 of them hidden; one of 10 in and 5 out in another project.
    """
    script = order(input_tokens=100, cached_tokens=64, tokens=13, reasoning_tokens=7)
    for _ in range(2):
        alone.chat(script=script, model="gpt-4.1", service_tier="fast")
    other = alone.openai(project="proj_other")
    alone.chat(client=other, script=order(input_tokens=10, tokens=5, reasoning_tokens=0), model="gpt-4.1")
    alone.rows(3)
    page = admin(alone).usage.completions(
        start_time=start(), bucket_width="1h", group_by=["model", "service_tier", "project_id", "batch"]
    )
    named = {result.project_id: result for result in results(page)}
    ours, theirs = named["proj_default"], named["proj_other"]
    assert (ours.num_model_requests, ours.input_tokens, ours.input_cached_tokens) == (2, 200, 128)
    assert (ours.input_uncached_tokens, ours.output_tokens) == (72, 40)
    assert (ours.model, ours.service_tier, ours.batch, ours.user_id) == ("gpt-4.1-2025-04-14", "priority", False, None)
    assert (theirs.num_model_requests, theirs.input_tokens, theirs.service_tier) == (1, 10, "default")
    assert type(ours).__name__ == "DataResultOrganizationUsageCompletionsResult"
    assert (page.has_more, page.next_page, page.object, page.data[0].object) == (False, None, "page", "bucket")


def test_without_groups_there_is_one_result(alone, order):
    """And what it could be grouped by is null."""
    alone.chat(script=order(input_tokens=10))
    alone.respond(script=order(input_tokens=20))
    alone.rows(2)
    (result,) = results(admin(alone).usage.completions(start_time=start()))
    assert (result.num_model_requests, result.input_tokens) == (2, 30)
    assert (result.model, result.service_tier, result.project_id, result.api_source) == (None,) * 4


def test_filters(alone, order):
    """Models and projects let through what they name, a key of somebody's nothing, and `batch` what it says."""
    alone.chat(script=order(input_tokens=10), model="gpt-4.1")
    alone.chat(script=order(input_tokens=20), model="gpt-5", client=alone.openai(project="proj_other"))
    alone.rows(2)
    usage = admin(alone).usage
    found = {
        name: [result.input_tokens for result in results(usage.completions(start_time=start(), **{name: value}))]
        for name, value in {
            "models": ["gpt-5-2025-08-07"],
            "project_ids": ["proj_default"],
            "api_key_ids": ["key_1"],
            "user_ids": ["user_1"],
            "batch": True,
        }.items()
    }
    assert found == {"models": [20], "project_ids": [10], "api_key_ids": [], "user_ids": [], "batch": []}


def test_what_is_not_counted(alone, order):
    """Refusals, errors within a reply, fetches and embeddings are no requests of completions; Azure keeps its own."""
    alone.chat(script=order(input_tokens=10))
    made = alone.respond(script=order(input_tokens=20))
    alone.openai().responses.retrieve(made.id)
    alone.openai().embeddings.create(model="text-embedding-3-small", input="hi")
    alone.chat(client=alone.azure(), model="gpt-4.1")
    with pytest.raises(openai.InternalServerError):
        alone.chat(script=order(status=500, fail_attempts=1))
    with pytest.raises(openai.APIError):
        list(alone.chat(script=order(tokens=5, error_after=2), stream=True))
    alone.rows(7)
    (result,) = results(admin(alone).usage.completions(start_time=start()))
    assert (result.num_model_requests, result.input_tokens) == (2, 30)


def test_what_the_client_was_not_told_is_counted(alone, order):
    """A stream without usage by its plan; one that the client left, up to there."""
    script = order(input_tokens=100, tokens=13, reasoning_tokens=7)
    list(alone.chat(script=script, stream=True))
    alone.rows(1)
    assert alone.row().input_tokens is None
    (whole,) = results(admin(alone).usage.completions(start_time=start()))
    assert (whole.num_model_requests, whole.input_tokens, whole.output_tokens) == (1, 100, 20)
    stream = alone.chat(script=dataclasses.replace(script, tokens=500, chunk_delay=0.02), stream=True)
    next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
    stream.close()
    left = alone.rows(2)[1]
    (both,) = results(admin(alone).usage.completions(start_time=start()))
    assert (both.num_model_requests, both.input_tokens) == (2, 200)
    assert both.output_tokens == 20 + 7 + left.text_deltas < 20 + 7 + 500


def test_batches_are_told_apart(bench_for):
    """By `batch`, though their tier is `default`; at the moment of their end."""
    alone = bench_for(Profile.fast(time_scale=10**9))
    made = alone.openai().batches.create(
        input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
    )
    done = alone.openai().batches.retrieve(made.id)
    while done.status != "completed":
        done = alone.openai().batches.retrieve(made.id)
    asked = admin(alone).usage.completions(
        start_time=start(), end_time=done.completed_at + 1, group_by=["batch", "service_tier"]
    )
    (result,) = results(asked)
    assert (result.batch, result.service_tier) == (True, "default")
    assert (result.num_model_requests, result.output_tokens) == (
        done.request_counts.completed,
        done.usage.output_tokens,
    )


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_pages_follow_each_other(alone):
    """Buckets begin on whole minutes, the first where the range does; pages meet, and only the last has no cursor."""
    begin = 1_800_000_030
    asked = {"start_time": begin, "end_time": begin + 600, "bucket_width": "1m", "limit": 4}
    pages = [admin(alone).usage.completions(**asked)]
    while pages[-1].has_more:
        pages.append(admin(alone).usage.completions(**asked, page=pages[-1].next_page))
    edges = [(bucket.start_time - begin, bucket.end_time - begin) for page in pages for bucket in page.data]
    assert edges == [(0, 30), *((30 + 60 * n, 90 + 60 * n) for n in range(9)), (570, 600)]
    assert [len(page.data) for page in pages] == [4, 4, 3]


@pytest.mark.parametrize(("width", "usual", "most"), [("1m", 60, 1440), ("1h", 24, 168), ("1d", 7, 31)])
def test_as_many_buckets_as_documented(alone, width, usual, most):
    """By default and at most; one more is refused."""
    usage = admin(alone).usage
    assert len(usage.completions(start_time=0, bucket_width=width).data) == usual
    assert len(usage.completions(start_time=0, bucket_width=width, limit=most).data) == most
    with pytest.raises(openai.BadRequestError, match=f"between 1 and {most}"):
        usage.completions(start_time=0, bucket_width=width, limit=most + 1)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"start_time": 5, "end_time": 5}, "end_time"),
        ({"start_time": "x"}, "start_time"),
        ({"start_time": 5, "group_by": ["colour"]}, "group_by"),
        ({"start_time": 5, "bucket_width": "1y"}, "bucket_width"),
        ({"start_time": 5, "page": "page_x"}, "page"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_query_is_refused(alone, options, param):
    with pytest.raises(openai.BadRequestError) as caught:
        admin(alone).usage.completions(**options)
    assert caught.value.param == param


# ── costs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_costs_are_those_of_the_price_list(alone, order):
    """100 in (64 cached), 20 out on gpt-4.1 at priority: 36 x 3.5 + 64 x 0.875 + 20 x 14 = 462 millionths."""
    alone.chat(
        script=order(input_tokens=100, cached_tokens=64, tokens=20, reasoning_tokens=0),
        model="gpt-4.1",
        service_tier="priority",
    )
    alone.rows(1)
    page = admin(alone).usage.costs(start_time=start(), group_by=["line_item"])
    told = {one.line_item: (one.amount.value, one.quantity, one.quantity_unit) for one in results(page)}
    assert told == {
        "gpt-4.1-2025-04-14, input_tokens": (0.000126, 36, "tokens"),
        "gpt-4.1-2025-04-14, input_cached_tokens": (0.000056, 64, "tokens"),
        "gpt-4.1-2025-04-14, output_tokens": (0.00028, 20, "tokens"),
    }
    (whole,) = results(admin(alone).usage.costs(start_time=start()))
    assert (whole.amount.value, whole.amount.currency, whole.line_item) == (0.000462, "usd", None)
    assert alone.row().cost_pico == 462_000_000
    assert cost_pico("openai", "gpt-4.1-2025-04-14", "priority", prompt=100, cached=64, output=20) == 462_000_000


def test_costs_have_days_only(alone):
    with pytest.raises(openai.BadRequestError, match="1h"):
        admin(alone).usage.costs(start_time=start(), bucket_width="1h")


# ── keys, limits, settings ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        ("sk-invalid", openai.AuthenticationError, "Incorrect API key"),
        ("sk-proj-1", openai.PermissionDeniedError, SCOPE),
        (UNSCOPED_KEY, openai.PermissionDeniedError, SCOPE),
    ],
    ids=["wrong", "of-a-project", "without-scope"],
)
def test_a_key_that_may_not(alone, key, error, text):
    with pytest.raises(error, match=text):
        admin(alone, key).usage.completions(start_time=start())


def test_too_many_requests(bench_for):
    """As many refusals as the profile says, each with the time to wait."""
    alone = bench_for(Profile.fast(faults=Faults(admin_429=1, retry_after_ms=1500)))
    with pytest.raises(openai.RateLimitError) as caught:
        admin(alone).usage.completions(start_time=start())
    assert caught.value.response.headers["retry-after"] == "2"
    assert results(admin(alone).usage.completions(start_time=start())) == []


def test_settings_say_what_auto_means(bench_for):
    """In the words of the API; a project that is not there is a 404."""
    projects = admin(bench_for(Profile.demo())).projects
    told = {name: projects.service_tier_settings.retrieve(f"proj_{name}") for name in ("chat", "fast", "batchy")}
    assert {name: one.default for name, one in told.items()} == {
        "chat": "standard",
        "fast": "fast",
        "batchy": "standard",
    }
    assert (told["chat"].enabled_tiers, told["batchy"].enabled_tiers) == ("all", ["flex"])
    with pytest.raises(openai.NotFoundError):
        projects.service_tier_settings.retrieve("proj_none")


# ── what was served before ────────────────────────────────────────────────────────────────────────────────────────────
def test_a_ledger_is_served_again(bench_for, order, tmp_path):
    """By another run on the same file: its rows are no rows of this run, but part of the books, as they were."""
    path = tmp_path / "served.db"
    with Simulator(Profile.fast(), ledger_path=path) as first:
        openai.OpenAI(api_key="k", base_url=first.base_url).chat.completions.create(
            model="gpt-5", messages=[{"role": "user", "content": "hi"}]
        )
        rows = first.ledger.wait(1)
    second = bench_for(Profile.fast(), ledger_path=path)
    assert (second.running.ledger.earlier, second.running.ledger.rows()) == (rows, ())
    second.chat(script=order(input_tokens=10))
    second.rows(1)
    (result,) = results(admin(second).usage.completions(start_time=start()))
    assert (result.num_model_requests, result.input_tokens) == (2, 10 + rows[0].input_tokens)


def test_a_ledger_in_memory_has_no_past():
    assert Ledger().earlier == ()
