"""A sample application with three workloads, as any user of the openai client would write it: it knows no Tierscope.

``python -m tierscope.cli.sample SECONDS``; OPENAI_BASE_URL and OPENAI_API_KEY say where. The workloads:

* *chat*: people wait, so every turn asks for ``priority`` and is streamed.
* *evaluation*: a nightly job in no hurry asks for ``flex`` and retries when there is no capacity.
* *analyst*: a tool in a project that bought scale units; its requests name no tier, the project's default decides.

Three mistakes are planted in them, which raise no error:

* A *rush* of chat comes in the middle, steeper than the ramp limit allows: what exceeds it is served ``default``.
* A *reviewer* lays a whole data room before the chat, on ``priority``: a prompt of more than 128k tokens never gets it.
* The *regression* suite of the evaluation names no tier: it pays ``default`` prices, where ``flex`` would cost half.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from typing import TYPE_CHECKING, Final

import openai

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

QUESTIONS: Final = (
    "My order has not arrived. Where is it?",
    "How do I change the address of my account?",
    "Which of your plans includes support at night?",
    "The invoice of last month is wrong. Can you look?",
)
HANDBOOK: Final = "Answer kindly, in the customer's language, and never promise a date that is not in the order. " * 180
NOTICE: Final = (
    "All deliveries of this week are late: a storm has closed the harbour, and no date is known as yet. " * 220
)
CONTRACT: Final = "This agreement is made between the parties named below and sets out the terms of delivery. " * 420
DATA_ROOM: Final = CONTRACT * 14
RUBRIC: Final = (
    "An answer is right if it names the article, gives the amount, and says nothing that is not asked. " * 60
)
RUSH: Final = (0.4, 0.7)
"""The share of the time between which more than twice as many people chat, each about the notice they got."""


class Day:
    """The time that is left, and the part of it that has passed."""

    def __init__(self, seconds: float) -> None:
        self._start, self._seconds = time.monotonic(), seconds

    @property
    def passed(self) -> float:
        """0 at the start, 1 at the end."""
        return (time.monotonic() - self._start) / self._seconds

    async def rounds(self, pause: float) -> AsyncIterator[int]:
        """Count rounds until the end, with a pause between them."""
        for number in itertools.count():
            if self.passed >= 1:
                return
            yield number
            await asyncio.sleep(pause)


async def ask(client: openai.AsyncOpenAI, instructions: str, question: str) -> None:
    """One turn of a chat: somebody waits for it, so it is streamed, on priority."""
    stream = await client.chat.completions.create(
        model="gpt-4.1",
        service_tier="priority",
        stream=True,
        messages=[{"role": "system", "content": instructions}, {"role": "user", "content": question}],
    )
    async for _ in stream:
        pass


async def person(day: Day, client: openai.AsyncOpenAI, *, only_in_rush: bool) -> None:
    """One person who chats."""
    async for number in day.rounds(pause=0.3):
        question = QUESTIONS[number % len(QUESTIONS)]
        if not only_in_rush:
            await ask(client, HANDBOOK, question)
        elif RUSH[0] < day.passed < RUSH[1]:
            await ask(client, HANDBOOK, f"{NOTICE}\n{question}")


async def reviewer(day: Day, client: openai.AsyncOpenAI) -> None:
    """One lawyer who asks the chat about all contracts at once: too long a prompt for priority."""
    async for number in day.rounds(pause=3.0):
        await ask(client, DATA_ROOM, f"Which of these contracts contradict clause {number}?")


async def evaluation(day: Day, client: openai.AsyncOpenAI) -> None:
    """One worker of the nightly evaluation: on flex, with the time-out that flex needs."""
    patient = client.with_options(timeout=900.0, max_retries=2)
    async for number in day.rounds(pause=0.05):
        await patient.responses.create(
            model="gpt-5-mini", service_tier="flex", input=f"{RUBRIC}\nGrade answer {number} of the test set."
        )


async def regression(day: Day, client: openai.AsyncOpenAI) -> None:
    """The suite that was written in haste: as little in a hurry, and nobody named its tier."""
    async for number in day.rounds(pause=0.3):
        await client.responses.create(model="gpt-5-mini", input=f"{RUBRIC}\nGrade answer {number} of last year's set.")


async def analyst(day: Day, client: openai.AsyncOpenAI) -> None:
    """One analyst: long documents, no tier named."""
    async for number in day.rounds(pause=0.4):
        stream = await client.responses.create(
            model="gpt-4.1", stream=True, input=f"{CONTRACT}\nSummarise clause {number} for the board."
        )
        async for _ in stream:
            pass


async def steadily(work: Callable[[], Awaitable[None]], day: Day) -> None:
    """Keep a worker at work: an error of one request does not end its day."""
    while day.passed < 1:
        try:
            await work()
        except openai.OpenAIError as error:
            print(f"{type(error).__name__}: {error}"[:120], file=sys.stderr)  # noqa: T201  an application's own log


async def main(seconds: float) -> None:
    """Run the three workloads side by side."""
    day = Day(seconds)
    async with (
        openai.AsyncOpenAI(project="proj_chat") as chat,
        openai.AsyncOpenAI(project="proj_batchy") as batchy,
        openai.AsyncOpenAI(project="proj_analyst") as scale,
    ):
        people = [lambda rush=rush: person(day, chat, only_in_rush=rush) for rush in (False,) * 4 + (True,) * 5]
        mistaken = [lambda: reviewer(day, chat), lambda: regression(day, batchy)]
        workers = [*people, *mistaken, *[lambda: evaluation(day, batchy)] * 3, *[lambda: analyst(day, scale)] * 3]
        await asyncio.gather(*(steadily(work, day) for work in workers))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
