"""Several event loops, in threads and one after another: their calls are told apart, and none needs its loop again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest
from tests.processes.conftest import CHUNKS, Place, Said
from tests.processes.inside import aclient, together
from tests.sdk.conftest import TRUSTED

from tierscope import testing

LOOPS: Final = 4
CALLS: Final = 5


def test_a_loop_in_each_of_several_threads(says: Callable[..., Said]) -> None:
    """Each with a client of its own, with calls and streams at once: one record a call, of its own model."""
    url = says().url

    async def one(own: Any, model: str) -> None:
        await own.chat.completions.create(model=model, messages=[])
        stream = await own.chat.completions.create(model=model, messages=[], stream=True)
        assert len([chunk async for chunk in stream]) == CHUNKS

    async def many(model: str) -> None:
        async with aclient(url) as own:
            await asyncio.gather(*(one(own, model) for _ in range(CALLS)))

    models = [f"m{number}" for number in range(LOOPS)]
    with testing.capture(TRUSTED) as calls:
        together([lambda model=model: asyncio.run(many(model)) for model in models])  # type: ignore[misc]
    told = Counter((call.request.model, call.request.is_stream, call.ending) for call in calls)
    assert told == {(model, is_stream, "complete"): CALLS for model in models for is_stream in (False, True)}


RUNS: Final = {
    "asyncio.run": "asyncio.run(ask())",
    "a loop that is only closed": "(loop := asyncio.new_event_loop()).run_until_complete(ask()), loop.close()",
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_loops_one_after_another(place: Place, run: str) -> None:
    """A client of the module, a new loop each time, and a stream that outlives its loop and is dropped then.

    The program meets what it would meet without us, and hears no more; each call is recorded once.
    """
    code = f"""
import asyncio
own = aclient()
async def ask():
    await own.chat.completions.create(model="whole", messages=[])
    opened = await own.chat.completions.create(model="open", messages=[], stream=True)
    await anext(opened)
    return opened
for _ in range(3):
    try:
        kept = {run}
    except Exception as error:
        print(type(error).__name__)
    kept = None; gc.collect()
"""
    bare = place.run(code)
    ours = place.run("tierscope.instrument()" + code, TIERSCOPE_LEDGER="calls.db")
    assert (ours.status, ours.out) == (bare.status, bare.out) == (0, "")
    assert "tierscope" not in ours.err
    assert ours.err.count("Event loop is closed") == bare.err.count("Event loop is closed")
    assert place.calls("request_model", "outcome", "ending in ('abandoned', 'closed')") == {
        ("whole", "resolved", 0): 3,
        ("open", "resolved", 1): 3,
    }
