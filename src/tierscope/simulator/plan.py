"""What one reply will say and when each token of it is due: decided before the first byte is sent."""

import random
from dataclasses import dataclass

from tierscope.simulator.ask import Ask
from tierscope.simulator.profile import Faults, Model, Profile, Speed, TierOn
from tierscope.simulator.script import Script, ToolCall
from tierscope.simulator.text import pieces, words
from tierscope.simulator.tiers import Verdict

HEADER_SHARE = 0.5
"""The share of the first-token latency that passes before the headers and opening events (modelled)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When tokens are due, in seconds from the request: absolute, so that a late one delays no other.

    `queue` is when waiting ends and work starts, `opening` when the headers go out, `first` when token 0 is due,
    `interval` the seconds from token to token. `exact` are the tokens that jitter never moves: the first and last of
    the text.
    """

    queue: float
    opening: float
    first: float
    interval: float
    jitter: float
    seed: int
    exact: frozenset[int]

    def due(self, token: int) -> float:
        """When this token (0 = the first) is sent."""
        shift = 0.0 if token in self.exact else self.jitter * (_noise(self.seed, token) - 0.5)
        return self.first + self.interval * (token + shift)


def _noise(seed: int, token: int) -> float:
    """A number in [0, 1) that depends on nothing else: cheaper per token than a generator."""
    mixed = ((token + 1) * 2654435761 + seed) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 15)) * 2246822519 & 0xFFFFFFFF) / 2**32


@dataclass(frozen=True, slots=True)
class Cut:
    """A reply broken off after so many text or tool deltas: by closing the connection, else by an error event."""

    after: int
    drop: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens a reply reports.

    Cached and written ones are inside `input`, reasoning and rejected ones inside `output`.
    """

    input: int
    cached: int
    cache_write: int
    output: int
    reasoning: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A reply.

    `texts` are its text deltas, `text_tokens` their tokens, `ending` completed, incomplete, failed or none (no end at
    all), `choices` the chat choices, all alike in length and sent side by side.
    """

    texts: tuple[str, ...]
    text_tokens: int
    summaries: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...]
    refusal: bool
    usage: Usage | None
    ending: str
    choices: int
    pace: Pace
    tier_on: TierOn
    reasoning: int
    cut: Cut | None

    def text_due(self, delta: int) -> float:
        """When a text delta is sent: with the last token in it."""
        return self.pace.due(self.reasoning + round((delta + 1) * self.text_tokens / len(self.texts)) - 1)

    def summary_due(self, delta: int) -> float:
        """When a reasoning delta is sent: spread over the hidden tokens."""
        return self.pace.due(round(delta * max(0, self.reasoning - 1) / max(1, len(self.summaries))))

    def argument_due(self, piece: int) -> float:
        """When a piece of tool arguments (counted over all calls) is sent."""
        return self.pace.due(self.reasoning + self.text_tokens + piece)

    def end(self) -> float:
        """When the last token is due."""
        argument_tokens = sum(len(pieces(call.arguments)) for call in self.tool_calls)
        return self.pace.due(max(0, self.reasoning + self.text_tokens + argument_tokens - 1))


def draft(ask: Ask, model: Model, rng: random.Random) -> tuple[int, str]:
    """Visible text tokens and the ending, as the script, the caller's limit and the model's range decide."""
    script = ask.script
    if script.tokens is not None:
        wanted = script.tokens
    else:
        wanted = 0 if script.tool_calls else rng.randint(*model.output_tokens)
    limit = ask.limit()
    if script.tokens is None and limit is not None and limit < wanted:
        return limit, script.terminal or "incomplete"
    return wanted, script.terminal or "completed"


def output_tokens(ask: Ask, model: Model, text_tokens: int) -> int:
    """All output tokens of a reply: visible, hidden, rejected predictions and tool arguments, over all choices."""
    script = ask.script
    arguments = sum(len(pieces(call.arguments)) for call in script.tool_calls)
    return _reasoning(script, model) + script.rejected_prediction_tokens + (text_tokens + arguments) * choices(ask)


def choices(ask: Ask) -> int:
    """Choices asked for (chat and completions `n`)."""
    n = ask.body.get("n")
    return n if isinstance(n, int) and n > 0 and ask.endpoint != "responses" else 1


def make(
    ask: Ask,
    profile: Profile,
    model: Model,
    rng: random.Random,
    verdict: Verdict,
    wait: float,
    drafted: tuple[int, str],
) -> Plan:
    """The reply of an attempt that is served; `wait` is its queueing time in real seconds."""
    script = ask.script
    tokens, ending = drafted
    reasoning = _reasoning(script, model)
    texts = words(rng, tokens, script.deltas)
    summaries = words(rng, script.reasoning_deltas)
    total = output_tokens(ask, model, tokens) if script.output_tokens is None else script.output_tokens
    usage = Usage(ask.input_tokens, script.cached_tokens, script.cache_write_tokens, total, reasoning,
                  script.rejected_prediction_tokens)  # fmt: skip
    return Plan(
        texts=texts,
        text_tokens=tokens,
        summaries=summaries,
        tool_calls=script.tool_calls,
        refusal=script.refusal,
        usage=usage if script.usage else None,
        ending=ending,
        choices=choices(ask),
        pace=_pace(ask, model.speed(verdict.tier), rng, wait, frozenset({0, reasoning, reasoning + tokens - 1})),
        tier_on=script.tier_on or profile.tier_on,
        reasoning=reasoning,
        cut=ordered_cut(script) or _drawn_cut(ask, profile.faults, rng, tokens),
    )


def _reasoning(script: Script, model: Model) -> int:
    return model.reasoning_tokens if script.reasoning_tokens is None else script.reasoning_tokens


def ordered_cut(script: Script) -> Cut | None:
    """The break-off a script orders; dropping goes before an error event."""
    if script.drop_after is not None:
        return Cut(script.drop_after, drop=True)
    return None if script.error_after is None else Cut(script.error_after, drop=False)


def _drawn_cut(ask: Ask, faults: Faults, rng: random.Random, tokens: int) -> Cut | None:
    """The break-off a profile's faults draw: error events only in streams."""
    error, drop = ask.stream and rng.random() < faults.stream_error, rng.random() < faults.drop
    return Cut(rng.randint(0, max(0, tokens - 1)), drop=drop) if (error or drop) and not ask.scripted else None


def _pace(ask: Ask, speed: Speed, rng: random.Random, wait: float, exact: frozenset[int]) -> Pace:
    script, swing = ask.script, 1 + speed.spread * rng.uniform(-1, 1)
    latency = speed.first_token * swing if script.first_delay is None else script.first_delay
    first = max(wait + latency, script.header_delay or 0.0)
    # A background stream opens at once, with the queued status; every other reply opens when its turn has come.
    opening = 0.0 if ask.background else wait + latency * HEADER_SHARE
    if script.header_delay is not None:
        opening = script.header_delay
    interval = 1 / (speed.rate * swing) if script.chunk_delay is None else script.chunk_delay
    return Pace(wait, opening, first, interval, speed.jitter, rng.getrandbits(32), exact)
