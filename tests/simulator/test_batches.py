"""Batches of the simulator: made, polled, listed and cancelled by the real client, on the scaled clock."""

import time

import openai
import pytest

from tierscope.simulator import Profile

ASKED = {"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h"}
STATES = ["validating", "in_progress", "finalizing", "completed"]
HOURS = {"time_scale": 3600.0}
"""An hour passes in a second; a batch takes one to three."""


def made(client, script=None, **options):
    headers = {"x-sim-script": script.json} if script else {}
    return client.batches.create(**ASKED | options, extra_headers=headers)


def ended(client, batch_id, limit=8.0):
    """The states of a batch as it is polled, each once, and the last object."""
    states, until = [], time.monotonic() + limit
    while time.monotonic() < until:
        batch = client.batches.retrieve(batch_id)
        states += [batch.status] if batch.status not in states else []
        if batch.status in {"completed", "failed", "expired", "cancelled"}:
            return states, batch
        time.sleep(0.01)
    raise TimeoutError(states)


def test_a_batch_goes_its_way(bench_for):
    """Through all its states, in the file's own words; times are of the scaled clock."""
    client = bench_for(Profile.fast(**HOURS)).openai()
    batch = made(client, metadata={"a": "b"})
    assert (batch.status, batch.usage, batch.request_counts.total) == ("validating", None, 0)
    assert (batch.input_file_id, batch.endpoint, batch.metadata) == ("file-1", "/v1/responses", {"a": "b"})
    states, done = ended(client, batch.id)
    assert states == [*STATES[: len(states) - 1], "completed"]
    assert 3600 <= done.completed_at - done.created_at <= 10_800
    assert done.created_at <= done.in_progress_at <= done.finalizing_at <= done.completed_at
    assert done.expires_at - done.created_at == 86_400
    counts, usage = done.request_counts, done.usage
    assert counts.total == counts.completed + counts.failed > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0
    assert done.model in {model.snapshot for model in Profile.fast().models.values()}


def test_counts_grow_meanwhile(bench_for, order):
    """Half-way there are some, and no usage."""
    client = bench_for(Profile.fast()).openai()
    batch = made(client, order(first_delay=1.0))
    time.sleep(0.5)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "in_progress"
    assert 0 < batch.request_counts.completed < batch.request_counts.total
    assert (batch.usage, batch.completed_at) == (None, None)


@pytest.mark.parametrize(
    ("terminal", "status"), [("completed", "completed"), ("failed", "failed"), ("incomplete", "expired")]
)
def test_a_script_decides_the_end(bench_for, order, terminal, status):
    client = bench_for(Profile.fast()).openai()
    script = order(
        terminal=terminal, first_delay=0.05, input_tokens=500, cached_tokens=100, output_tokens=50, reasoning_tokens=20
    )
    batch = ended(client, made(client, script).id)[1]
    assert batch.status == status
    assert getattr(batch, f"{status}_at") - batch.created_at == 3  # 0.05 s, sixty times as long
    if status == "failed":
        assert (batch.errors.data[0].code, batch.usage, batch.request_counts.total) == ("invalid_json_line", None, 0)
        return
    usage = batch.usage
    assert (usage.input_tokens, usage.input_tokens_details.cached_tokens) == (500, 100)
    assert (usage.output_tokens, usage.output_tokens_details.reasoning_tokens, usage.total_tokens) == (50, 20, 550)
    done = batch.request_counts
    assert (done.completed + done.failed == done.total) is (status == "completed")


def test_usage_may_be_missing(bench_for, order):
    """As in batches from before there was one."""
    client = bench_for(Profile.fast()).openai()
    assert ended(client, made(client, order(usage=False, first_delay=0.01)).id)[1].usage is None


def test_a_batch_is_cancelled_in_time(bench_for):
    """A minute of the scaled clock later; one that has ended stays as it is."""
    client = bench_for(Profile.fast(**HOURS)).openai()
    batch = made(client)
    assert client.batches.cancel(batch.id).status in {"cancelling", "cancelled"}
    states, gone = ended(client, batch.id)
    assert states[-1] == gone.status == client.batches.cancel(batch.id).status == "cancelled"
    assert (gone.cancelled_at - gone.cancelling_at, gone.completed_at) == (60, None)


def test_pages_hold_the_newest_first(bench_for):
    client = bench_for(Profile.fast()).openai()
    idents = [made(client).id for _ in range(5)]
    assert [batch.id for batch in client.batches.list(limit=2)] == idents[::-1]
    first = client.batches.list(limit=2)
    assert (first.has_more, [batch.id for batch in first.data]) == (True, idents[:-3:-1])
    assert client.batches.list(after=idents[0]).data == []


def test_azure_has_batches_too(bench_for):
    bench = bench_for(Profile.fast())
    azure = bench.azure()
    batch = made(azure)
    assert azure.batches.retrieve(batch.id).id == azure.batches.list().data[0].id == batch.id
    v1 = bench.openai(base_url=f"{bench.running.azure_endpoint}/openai/v1")
    assert v1.batches.cancel(batch.id).id == batch.id


def test_the_same_seed_makes_the_same_batches(bench_for):
    clients = [bench_for(Profile.fast(seed=3, **HOURS)).openai() for _ in range(2)]
    one, other = (ended(client, made(client).id)[1] for client in clients)
    assert (one.usage, one.request_counts, one.model) == (other.usage, other.request_counts, other.model)


def test_what_cannot_be_is_an_error(bench, order):
    """An unknown id, a parameter that is missing, a wrong key, an order to fail."""
    client = bench.openai()
    with pytest.raises(openai.NotFoundError, match="No batch found"):
        client.batches.retrieve("batch_none")
    with pytest.raises(openai.NotFoundError):
        client.batches.cancel("batch_none")
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/batches", cast_to=object, body={"endpoint": "/v1/responses"})
    assert (caught.value.code, caught.value.param) == ("missing_required_parameter", "input_file_id")
    with pytest.raises(openai.AuthenticationError):
        bench.openai(api_key="sk-invalid").batches.list()
    with pytest.raises(openai.InternalServerError):
        made(client, order(status=503))


def test_requests_about_batches_are_no_inference(bench):
    """They are in no row of the ledger, and shift nobody's draws."""
    client = bench.openai()
    batch = made(client)
    client.batches.retrieve(batch.id)
    client.batches.list()
    client.batches.cancel(batch.id)
    bench.chat()
    assert [row.endpoint for row in bench.running.ledger.settle()[bench._before :]] == ["chat/completions"]
