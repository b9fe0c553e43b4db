"""The simulator's own price list: each cost with its arithmetic, and what a row of the ledger says."""

import json
import sqlite3

import pytest
from tests.simulator.conftest import scripted

from tierscope.simulator import Profile, Project, Script, Simulator, TierRules
from tierscope.simulator.prices import PRICES, cost_pico

GPT_5, GPT_5_MINI = "gpt-5-2025-08-07", "gpt-5-mini-2025-08-07"
GPT_41, GPT_41_MINI, GPT_4O_MINI = "gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14", "gpt-4o-mini-2024-07-18"
GPT_54, GPT_6_SOL, ASTRA, GPT_61_SOL = "gpt-5.4-2026-03-05", "gpt-6-sol-2026-09-22", "gpt-6-astra", "gpt-6.1-sol"
SMALL = 1000, 200, 0, 100  # prompt, cached, written, output
WRITTEN = 1000, 300, 200, 100
LONG = 300_000, 100_000, 50_000, 1000
COSTS = [  # pico-dollars; beside them the arithmetic in millionths of a dollar, as the price pages have it per million
    ("openai", GPT_41, "default", (100, 64, 0, 20), 264_000_000),  # 36·2 + 64·0.5 + 20·8 = 264
    ("openai", GPT_41, "priority", (100, 64, 0, 20), 462_000_000),  # 36·3.5 + 64·0.875 + 20·14 = 462
    ("openai", GPT_41, "default", (10**6, 0, 0, 10**6), 10_000_000_000_000),  # 2 + 8 = 10 dollars
    ("openai", GPT_41, "priority", (10**6, 0, 0, 10**6), 17_500_000_000_000),  # 3.5 + 14 = 17.5 dollars
    ("openai", GPT_41, "default", (300_000, 0, 0, 0), 600_000_000_000),  # 300 000·2: no rates of a long prompt
    ("openai", GPT_41, "default", (100, 0, 60, 0), 200_000_000),  # 40·2 + 60·2: a written token has no rate of its own
    ("openai", GPT_41_MINI, "default", (1000, 400, 0, 50), 360_000_000),  # 600·0.4 + 400·0.1 + 50·1.6 = 240 + 40 + 80
    ("openai", GPT_41_MINI, "priority", (1000, 400, 0, 50), 630_000_000),  # 600·0.7 + 400·0.175 + 50·2.8
    ("openai", GPT_4O_MINI, "default", (1000, 400, 0, 50), 150_000_000),  # 600·0.15 + 400·0.075 + 50·0.6 = 90 + 30 + 30
    ("openai", GPT_4O_MINI, "priority", (1000, 400, 0, 50), 250_000_000),  # 600·0.25 + 400·0.125 + 50·1
    ("openai", GPT_5, "default", SMALL, 2_025_000_000),  # 800·1.25 + 200·0.125 + 100·10 = 1000 + 25 + 1000
    ("openai", GPT_5, "priority", SMALL, 4_050_000_000),  # 800·2.5 + 200·0.25 + 100·20 = 2000 + 50 + 2000
    ("openai", GPT_5, "flex", SMALL, 1_012_500_000),  # 800·0.625 + 200·0.0625 + 100·5 = 500 + 12.5 + 500
    ("openai", GPT_5_MINI, "default", SMALL, 405_000_000),  # 800·0.25 + 200·0.025 + 100·2 = 200 + 5 + 200
    ("openai", GPT_5_MINI, "priority", SMALL, 729_000_000),  # 800·0.45 + 200·0.045 + 100·3.6 = 360 + 9 + 360
    ("openai", GPT_5_MINI, "flex", SMALL, 202_500_000),  # 800·0.125 + 200·0.0125 + 100·1 = 100 + 2.5 + 100
    ("openai", GPT_5_MINI, "flex", (1, 1, 0, 0), 12_500),  # one cached token: 0.0125
    ("openai", GPT_54, "default", (272_000, 0, 0, 1000), 695_000_000_000),  # 272 000·2.5 + 1000·15
    ("openai", GPT_54, "default", (272_001, 0, 0, 1000), 1_382_505_000_000),  # one more: 272 001·5 + 1000·22.5
    ("openai", GPT_54, "default", (272_001, 72_001, 0, 1000), 1_058_500_500_000),  # 200 000·5 + 72 001·0.5 + 1000·22.5
    ("openai", GPT_54, "priority", (300_000, 0, 0, 1000), 1_530_000_000_000),  # flat: 300 000·5 + 1000·30
    ("openai", GPT_54, "flex", (1000, 100, 0, 10), 1_213_000_000),  # 900·1.25 + 100·0.13 + 10·7.5 = 1125 + 13 + 75
    ("openai", GPT_54, "flex", (300_000, 100_000, 0, 10), 525_112_500_000),  # 200 000·2.5 + 100 000·0.25 + 10·11.25
    ("openai", GPT_6_SOL, "default", WRITTEN, 2_560_000_000),  # 500·2 + 300·0.2 + 200·2.5 + 100·10
    ("openai", GPT_6_SOL, "priority", WRITTEN, 5_120_000_000),  # 500·4 + 300·0.4 + 200·5 + 100·20
    ("openai", GPT_6_SOL, "flex", WRITTEN, 1_280_000_000),  # 500·1 + 300·0.1 + 200·1.25 + 100·5
    ("openai", GPT_6_SOL, "default", LONG, 905_000_000_000),  # 150 000·4 + 100 000·0.4 + 50 000·5 + 1000·15
    ("openai", GPT_6_SOL, "priority", LONG, 1_810_000_000_000),  # 150 000·8 + 100 000·0.8 + 50 000·10 + 1000·30
    ("openai", GPT_6_SOL, "flex", LONG, 452_500_000_000),  # 150 000·2 + 100 000·0.2 + 50 000·2.5 + 1000·7.5
    ("openai", ASTRA, "default", WRITTEN, 12_800_000_000),  # 500·10 + 300·1 + 200·12.5 + 100·50
    ("openai", ASTRA, "priority", WRITTEN, 25_600_000_000),  # 500·20 + 300·2 + 200·25 + 100·100
    ("openai", ASTRA, "flex", WRITTEN, 6_400_000_000),  # 500·5 + 300·0.5 + 200·6.25 + 100·25
    ("openai", ASTRA, "ultrafast", WRITTEN, 76_800_000_000),  # 500·60 + 300·6 + 200·75 + 100·300
    ("openai", ASTRA, "default", LONG, 4_525_000_000_000),  # 150 000·20 + 100 000·2 + 50 000·25 + 1000·75
    ("openai", ASTRA, "priority", LONG, 9_050_000_000_000),  # 150 000·40 + 100 000·4 + 50 000·50 + 1000·150
    ("openai", ASTRA, "flex", LONG, 2_262_500_000_000),  # 150 000·10 + 100 000·1 + 50 000·12.5 + 1000·37.5
    ("openai", ASTRA, "ultrafast", LONG, 27_150_000_000_000),  # 150 000·120 + 100 000·12 + 50 000·150 + 1000·450
    ("openai", GPT_61_SOL, "default", (100_000, 0, 0, 100_000), 1_200_000_000_000),  # 0.2 + 1 dollar
    ("openai", GPT_61_SOL, "priority", (100_000, 0, 0, 100_000), 2_400_000_000_000),  # 0.4 + 2 dollars
    ("openai", GPT_61_SOL, "ultrafast", (100_000, 0, 0, 100_000), 7_200_000_000_000),  # 1.2 + 6 dollars
    ("openai", GPT_61_SOL, "default", WRITTEN, 2_530_000_000),  # 500·2 + 300·0.1 + 200·2.5 + 100·10
    ("openai", GPT_61_SOL, "priority", WRITTEN, 5_060_000_000),  # 500·4 + 300·0.2 + 200·5 + 100·20
    ("openai", GPT_61_SOL, "flex", WRITTEN, 1_265_000_000),  # 500·1 + 300·0.05 + 200·1.25 + 100·5
    ("openai", GPT_61_SOL, "ultrafast", WRITTEN, 15_180_000_000),  # 500·12 + 300·0.6 + 200·15 + 100·60
    ("openai", GPT_61_SOL, "default", LONG, 885_000_000_000),  # 150 000·4 + 100 000·0.2 + 50 000·5 + 1000·15
    ("openai", GPT_61_SOL, "priority", LONG, 1_770_000_000_000),  # 150 000·8 + 100 000·0.4 + 50 000·10 + 1000·30
    ("openai", GPT_61_SOL, "flex", LONG, 442_500_000_000),  # 150 000·2 + 100 000·0.1 + 50 000·2.5 + 1000·7.5
    ("openai", GPT_61_SOL, "ultrafast", LONG, 5_310_000_000_000),  # 150 000·24 + 100 000·1.2 + 50 000·30 + 1000·90
    ("azure", GPT_41, "default", (100, 64, 0, 20), 264_000_000),  # as on OpenAI
    ("azure", GPT_41, "priority", (100, 64, 0, 20), 462_000_000),  # 36·3.5 + 64·0.875 + 20·14
    ("azure", GPT_5, "default", SMALL, 2_025_000_000),  # as on OpenAI
]
UNPRICED = [
    ("openai", GPT_41, "scale", SMALL, "its units are paid by the day"),
    ("openai", GPT_41, "flex", SMALL, "not offered"),
    ("openai", GPT_41, "ultrafast", SMALL, "not offered"),
    ("openai", GPT_41, "auto", SMALL, "never a served tier"),
    ("openai", GPT_41, "fast", SMALL, "not the canonical word"),
    ("openai", "gpt-4.1", "default", SMALL, "no reply names it so"),
    ("openai", "ft:gpt-4.1:acme::1", "default", SMALL, "a model of its own"),
    ("openai", "text-embedding-3-small", "default", SMALL, "not in the list"),
    ("azure", GPT_5, "priority", SMALL, "no document says"),
    ("elsewhere", GPT_41, "default", SMALL, "another provider"),
    ("openai", GPT_41, "default", (100, 101, 0, 20), "more cached than asked"),
    ("openai", GPT_41, "default", (100, 60, 41, 20), "more cached and written than asked"),
    ("openai", GPT_41, "default", (100, 0, 0, -1), "less than nothing said"),
    ("openai", GPT_41, "default", (100, -1, 0, 20), "less than nothing cached"),
]


def cost(provider, model, tier, tokens):
    prompt, cached, written, output = tokens
    return cost_pico(provider, model, tier, prompt=prompt, cached=cached, written=written, output=output)


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("provider", "model", "tier", "tokens", "expected"), COSTS)
def test_cost(provider, model, tier, tokens, expected):
    """To the pico-dollar."""
    assert cost(provider, model, tier, tokens) == expected


@pytest.mark.parametrize(("provider", "model", "tier", "tokens", "why"), UNPRICED, ids=[row[4] for row in UNPRICED])
def test_no_cost(provider, model, tier, tokens, why):
    """Where the list has no price, or the counts contradict each other, there is none, never 0."""
    assert cost(provider, model, tier, tokens) is None


def test_each_rate_of_the_list_is_in_the_table_above():
    """A row that is added to the list needs a cost here."""
    listed = {(p, m, tier) for p, models in PRICES.items() for m, rates in models.items() for tier in rates}
    assert listed == {(p, m, tier) for p, m, tier, *_ in COSTS}
    steps = {(p, m, tier) for p, m, tier in listed if PRICES[p][m][tier].beyond}
    assert steps == {(p, m, t) for p, m, t, tokens, _ in COSTS if tokens[0] > 272_000 and PRICES[p][m][t].beyond}


def test_every_model_of_the_demo_has_a_price_for_each_tier_it_offers():
    """And for no other."""
    for model in Profile.demo().models.values():
        offered = {"default", "priority"} | ({"flex"} if model.flex else set())
        assert set(PRICES["openai"][model.snapshot]) == offered | ({"ultrafast"} if model.ultrafast else set())


# ── what a row says ───────────────────────────────────────────────────────────────────────────────────────────────────
HUNDRED = {"input_tokens": 100, "cached_tokens": 64, "tokens": 20}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({}, 462_000_000),
        ({"served": "default"}, 264_000_000),  # what is asked for is not what is paid
        ({"served": "fast"}, 462_000_000),
        ({"served": "scale"}, None),
        ({"served": "turbo"}, None),
        ({"tier_on": "none"}, None),
        ({"usage": False}, None),
        ({"status": 500}, None),
    ],
    ids=["honored", "downgraded", "the other word", "scale", "an unknown word", "no tier", "no usage", "an error"],
)
def test_a_row_costs_what_its_bytes_say(bench, order, script, expected):
    """By served tier, tokens and model of the reply; gpt-4.1 asked for on priority."""
    reply = bench.openai().chat.completions.with_raw_response
    headers = scripted(order(**{**HUNDRED, **script}))
    asked = {"model": "gpt-4.1", "service_tier": "priority", "messages": [], "extra_headers": headers}
    if script.get("status"):
        with pytest.raises(Exception, match="500"):
            reply.create(**asked)
    else:
        reply.create(**asked)
    assert bench.row().cost_pico == expected


@pytest.mark.parametrize(("options", "expected"), [({}, None), ({"include_usage": True}, 462_000_000)])
def test_a_stream_costs_what_its_usage_says(bench, order, options, expected):
    """Without usage nobody who reads the bytes can tell."""
    list(bench.chat(script=order(**HUNDRED), model="gpt-4.1", service_tier="fast", stream=True, stream_options=options))
    assert bench.row().cost_pico == expected


def test_a_stream_that_is_left_early_has_no_cost(bench, order):
    """Its usage was never sent."""
    script = order(tokens=50, chunk_delay=0.02)
    stream = bench.chat(script=script, model="gpt-4.1", stream=True, stream_options={"include_usage": True})
    next(iter(stream))
    stream.close()
    assert (bench.row().ending, bench.row().cost_pico) == ("client_disconnected", None)


def test_priority_of_a_long_prompt_is_billed_default(bench, order):
    """130 000·2 + 10·8 millionths of a dollar on gpt-4.1, which excludes long context; gpt-5 keeps its priority."""
    ask = {"messages": [{"role": "user", "content": "<<tokens:130000>>"}], "service_tier": "priority"}
    for model in ("gpt-4.1", "gpt-5"):
        bench.chat(script=order(tokens=10, reasoning_tokens=0), model=model, **ask)
    first, second = bench.rows(2)
    assert (first.cause, first.served, first.cost_pico) == ("long_context", "default", 260_080_000_000)
    assert (second.cause, second.served, second.cost_pico) == (
        "none",
        "priority",
        325_200_000_000,
    )  # 130 000·2.5 + 10·20


def test_hidden_tokens_are_paid_and_written_ones_apart(bench, order):
    """gpt-6-sol at fast: 500·4 + 300·0.4 + 200·5 + (90 + 10)·20 millionths of a dollar."""
    script = order(input_tokens=1000, cached_tokens=300, cache_write_tokens=200, tokens=90, reasoning_tokens=10)
    bench.respond(script=script, model="gpt-6-sol", service_tier="priority")
    assert (bench.row().served, bench.row().cost_pico) == ("fast", 5_120_000_000)


def test_scale_has_no_marginal_cost_and_its_spill_over_has(bench_for):
    """What exceeds the units is served, and billed, default: 14 000·2 + 8·8 millionths of a dollar."""
    project = Project(default_tier="scale", scale_units={"gpt-4.1": (1, 1)})
    bench = bench_for(Profile.fast(projects={"proj_default": project}, time_scale=1))
    client, ask = bench.openai(), [{"role": "user", "content": "<<tokens:14000>>"}]
    for _ in range(3):
        bench.chat(client=client, model="gpt-4.1", messages=ask)
    assert [(row.served, row.cost_pico) for row in bench.rows(3)] == [
        ("scale", None),
        ("scale", None),
        ("default", 28_064_000_000),
    ]


def test_a_refused_flex_attempt_costs_nothing(bench_for):
    """Each attempt is a row; the one that was served is paid."""
    bench = bench_for(Profile.fast(tiers=TierRules(flex_refusal=1.0)))
    with pytest.raises(Exception, match="Resource Unavailable"):
        bench.chat(service_tier="flex")
    assert bench.row().cost_pico is None


def test_azure_has_a_list_of_its_own(bench, order):
    """By the reply's model, whatever the deployment is called."""
    bench.chat(client=bench.azure(), script=order(**HUNDRED), model="gpt-4.1", service_tier="priority")
    assert (bench.row().provider, bench.row().cost_pico) == ("azure", 462_000_000)


def test_a_stored_response_is_paid_once(bench, order):
    """When it was made; to fetch it again costs nothing."""
    client = bench.openai()
    made = bench.respond(client=client, script=order(**HUNDRED), model="gpt-4.1")
    client.responses.retrieve(made.id)
    assert [row.cost_pico for row in bench.rows(2)] == [264_000_000, None]


def test_a_background_response_is_paid_when_it_is_told(bench_for, order):
    """Queued it has no usage; the first fetch of the finished one tells it, the second tells nothing new."""
    bench = bench_for(Profile.fast(background_wait=0.0))
    client = bench.openai()
    script = order(**HUNDRED, first_delay=0.0, chunk_delay=0.005)  # 20 tokens: queued at first, done after 0.1 s
    made = bench.respond(client=client, script=script, model="gpt-4.1", background=True)
    while (client.responses.retrieve(made.id)).status != "completed":
        pass
    client.responses.retrieve(made.id)
    costs = [row.cost_pico for row in bench.running.ledger.settle()]
    assert costs[0] is costs[-1] is None
    assert [cost for cost in costs if cost is not None] == [264_000_000]


def test_what_may_be_served_later_for_less_has_no_price(bench, order):
    """The list does not know completion windows."""
    client, script = bench.openai(), order(**HUNDRED)
    for window in ("soonest", "8h"):
        body = {"background_options": {"completion_window": window}}
        bench.respond(client=client, script=script, model="gpt-4.1", extra_body=body)
    assert [row.cost_pico for row in bench.rows(2)] == [264_000_000, None]


@pytest.mark.parametrize("count", ["100", None, 1.5, []])
def test_a_usage_that_counts_nothing_has_no_cost(bench, count):
    """A script may send any bytes; the row is written all the same."""
    body = {"model": GPT_41, "service_tier": "default", "usage": {"prompt_tokens": count, "completion_tokens": 1}}
    sent = {"x-sim-script": Script(raw_b64=_b64(body)).json}
    bench.http().post("/v1/chat/completions", json={"model": "gpt-4.1"}, headers=sent)
    row = bench.row()
    assert (row.usage_sent, row.input_tokens, row.output_tokens, row.cost_pico) == (True, None, 1, None)


def _b64(body):
    import base64

    return base64.b64encode(json.dumps(body).encode()).decode()


def test_the_cost_is_a_column(bench_for, order, tmp_path):
    """As whole pico-dollars, NULL where there is none."""
    bench = bench_for(Profile.fast(), ledger_path=tmp_path / "served.db")
    bench.chat(script=order(**HUNDRED), model="gpt-4.1")
    bench.chat(model="gpt-4.1", stream=True).close()
    bench.rows(2)
    db = sqlite3.connect(tmp_path / "served.db")
    assert db.execute("SELECT cost_pico, typeof(cost_pico) FROM served ORDER BY sequence").fetchall() == [
        (264_000_000, "integer"),
        (None, "null"),
    ]
    db.close()


def test_a_ledger_of_an_earlier_version_is_refused(tmp_path):
    """Before anything is served: a row would not fit in."""
    path = tmp_path / "served.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE served (row INTEGER PRIMARY KEY, sequence INTEGER)")
    db.close()
    with pytest.raises(
        sqlite3.OperationalError, match=r"another version wrote it, without .*cost_pico.*; name another"
    ):
        Simulator(Profile.fast(), ledger_path=path)
