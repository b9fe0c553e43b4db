"""One simulated service: its state, and how one attempt is answered and entered into the ledger."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tierscope.simulator import diagnostics, errors, plan
from tierscope.simulator.ask import Ask, Moment
from tierscope.simulator.errors import Problem
from tierscope.simulator.frames import Job, new_id
from tierscope.simulator.headers import reply_headers
from tierscope.simulator.ledger import Ledger, Served
from tierscope.simulator.meters import Clock, Meter
from tierscope.simulator.prices import cost_pico
from tierscope.simulator.profile import Model, Profile
from tierscope.simulator.store import Store
from tierscope.simulator.tiers import Gate, Verdict, canonical
from tierscope.simulator.transcript import Facts
from tierscope.simulator.usage import used
from tierscope.simulator.wire import Sent

INVALID_KEY = "sk-invalid"
_FIRST_ERROR = 400
_PREFIX = {"chat/completions": "chatcmpl-", "completions": "cmpl-"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with an attempt: refused with a problem, or served as a job; `drop` closes without an answer."""

    verdict: Verdict
    problem: Problem | None = None
    job: Job | None = None
    drop: bool = False


class Service:
    """The state of one server. Everything runs in its event loop; only the ledger is shared with other threads."""

    def __init__(self, profile: Profile, ledger: Ledger) -> None:
        self.profile = profile
        self.ledger = ledger
        self.store = Store()
        self.clock = Clock.started(profile.time_scale)
        self._gate = Gate(profile, self.clock)
        self._sequence = 0
        self._attempts: dict[str, int] = {}
        self._requests: dict[str, Meter] = {}
        self._tokens: dict[str, Meter] = {}
        self._billed: set[str] = set()

    def next_sequence(self) -> int:
        """The number of the request that has just arrived, from 1."""
        self._sequence += 1
        return self._sequence

    def numbered(self, ask: Ask) -> Ask:
        """The request with its attempt counted under the script's id where the client sends no retry count."""
        key = ask.script.id
        if key is None or ask.retry_header is not None:
            return ask
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return replace(ask, attempt=self._attempts[key])

    def decide(self, ask: Ask) -> Decision:
        """What happens to an attempt: the first of the reasons to fail, else the tier and the plan of its reply."""
        rng = random.Random(f"{self.profile.seed}/{ask.sequence}")  # noqa: S311  # repeatable draws, not a secret
        read = self._gate.read(ask)
        if ask.script.fails(ask.attempt):
            return Decision(read, errors.scripted(ask.script), drop=ask.script.drop_before)
        model = self.profile.model(ask.model)
        problem = self._unwelcome(ask, model) or self._faulty(ask, rng) or read.problem
        if problem or model is None:
            return Decision(read, problem or errors.unknown_model(ask.model))
        drafted = plan.draft(ask, model, rng)
        tokens = plan.output_tokens(ask, model, drafted[0])
        problem = self._limited(ask, tokens)
        if problem:
            return Decision(read, problem)
        verdict = self._gate.decide(ask, model, rng, tokens, read)
        if verdict.problem:
            return Decision(verdict, verdict.problem)
        made = plan.make(ask, self.profile, model, rng, verdict, self._wait(ask, rng, verdict), drafted)
        key = new_id(_PREFIX.get(ask.endpoint, "resp_"))
        told = diagnostics.told(self.store, ask, model, verdict.tier)
        padding = random.Random(key)  # noqa: S311  # no secret
        return Decision(verdict, job=Job(ask, model, verdict, made, key, int(time.time()), padding, told))

    def refuse(self, ask: Ask, problem: Problem) -> Decision:
        """What happens to an attempt that is refused before its tier matters."""
        return Decision(self._gate.read(ask), problem)

    def fetch(self, ask: Ask, response_id: str) -> Decision:
        """What happens to a request for a stored response: its verdict is the one it was made with."""
        stored = self.store.find(response_id)
        if ask.script.fails(ask.attempt):
            return Decision(Verdict(), errors.scripted(ask.script), drop=ask.script.drop_before)
        if ask.key == INVALID_KEY:
            return Decision(Verdict(), errors.azure_invalid_key() if ask.azure else errors.invalid_key(ask.key))
        if stored is None:
            return Decision(Verdict(), errors.unknown_response(response_id))
        return Decision(stored.job.verdict, job=stored.job)

    def _wait(self, ask: Ask, rng: random.Random, verdict: Verdict) -> float:
        """Real seconds in a queue: flex waits (exponential, seeded), and so does a background response."""
        mean = self.profile.tiers.flex_wait
        flex = rng.expovariate(1 / mean) if verdict.tier == "flex" and mean > 0 else 0.0
        background = self.profile.background_wait if ask.background else 0.0
        return self.clock.real(flex + background)

    def _unwelcome(self, ask: Ask, model: Model | None) -> Problem | None:
        if ask.key == INVALID_KEY:
            return errors.azure_invalid_key() if ask.azure else errors.invalid_key(ask.key)
        if ask.unreadable:
            return errors.unreadable(ask.unreadable)
        if ask.azure and self.profile.strict_models and ask.deployment not in self.profile.deployments:
            return errors.unknown_deployment()
        return errors.unknown_model(ask.model) if model is None else None

    def _faulty(self, ask: Ask, rng: random.Random) -> Problem | None:
        """A drawn failure; scripted requests are left alone, so that a script means what it says."""
        faults = self.profile.faults
        if ask.scripted:
            return None
        for status, share in ((429, faults.status_429), (500, faults.status_500), (503, faults.status_503)):
            if rng.random() < share:
                return errors.of_status(status, faults.retry_after_ms)
        return None

    def _limited(self, ask: Ask, output: int) -> Problem | None:
        """429 where the minute has no room left; the tiers of a project share one limit."""
        limits, now = self.profile.limits, self.clock.now()
        requests, tokens = self._meters(ask)
        if requests.last_minute(now) + 1 > limits.requests_per_minute or (
            tokens.last_minute(now) + ask.input_tokens + output > limits.tokens_per_minute
        ):
            return errors.rate_limited(ask.model, self.profile.faults.retry_after_ms)
        requests.add(now, 1)
        tokens.add(now, ask.input_tokens + output)
        return None

    def _meters(self, ask: Ask) -> tuple[Meter, Meter]:
        key = f"{ask.provider}/{ask.deployment or ask.project}"
        return self._requests.setdefault(key, Meter()), self._tokens.setdefault(key, Meter())

    def headers(self, ask: Ask) -> dict[str, str]:
        """The headers of a reply that starts now."""
        requests, tokens = self._meters(ask)
        now = self.clock.now()
        used = (requests.last_minute(now), tokens.last_minute(now))
        return reply_headers(ask, self.profile, used, time.monotonic() - ask.received.at)

    def enter(self, ask: Ask, decision: Decision, wire: Sent) -> None:
        """Writes the ledger's row: decisions from the decision, all else from what was sent."""
        facts = wire.transcript.facts()
        self.ledger.add(_row(ask, decision, wire, facts, self._bill(ask, decision, facts), Moment.now()))

    def _bill(self, ask: Ask, decision: Decision, facts: Facts) -> int | None:
        """What an answer is billed, by its bytes: a response once, in the first answer that tells its usage."""
        key = facts.response_id
        cost = None if key in self._billed or _has_window(decision.job) else _cost(ask.provider, facts)
        if cost is not None and key is not None:
            self._billed.add(key)
        return cost


def _has_window(job: Job | None) -> bool:
    """Whether it may be served later for less ('Background mode' guide): the list has no such prices."""
    options = job.ask.body.get("background_options") if job else None
    return isinstance(options, Mapping) and options.get("completion_window", "soonest") != "soonest"


def _cost(provider: str, facts: Facts) -> int | None:
    model, tier, prompt, output = facts.response_model, facts.served, facts.input_tokens, facts.output_tokens
    if model is None or tier is None or prompt is None or output is None:
        return None
    cached, written = facts.cached_tokens or 0, facts.cache_write_tokens or 0
    return cost_pico(provider, model, canonical(tier), prompt=prompt, output=output, cached=cached, written=written)


def _row(ask: Ask, decision: Decision, wire: Sent, facts: Facts, cost: int | None, ended: Moment) -> Served:
    verdict = decision.verdict
    return Served(
        sequence=ask.sequence, provider=ask.provider, endpoint=ask.endpoint, method=ask.method,
        project=ask.project, deployment=ask.deployment,
        model=ask.model or (decision.job.ask.model if decision.job else ""),
        requested=verdict.requested, requested_from=verdict.requested_from, expected=verdict.expected,
        decided=verdict.tier if decision.job else None, served=facts.served,
        cause=verdict.cause, status=wire.status, error_code=facts.stream_error,
        attempt=ask.attempt, script_id=ask.script.id, stream=ask.stream,
        usage_sent=facts.usage_sent, input_tokens=facts.input_tokens, cached_tokens=facts.cached_tokens,
        cache_write_tokens=facts.cache_write_tokens, output_tokens=facts.output_tokens,
        reasoning_tokens=facts.reasoning_tokens, **used(ask, decision.job, wire, facts),
        cost_pico=cost, response_id=facts.response_id,
        response_model=facts.response_model, response_status=facts.response_status,
        request_id=wire.request_id, text_deltas=facts.text_deltas, chunks=facts.chunks,
        bytes_sent=wire.bytes_sent, ending=_ending(wire, facts),
        started=ask.received.at, first_byte=_at(wire.first_byte), first_token=_at(wire.first_token),
        first_delta=_at(wire.first_delta), last_delta=_at(wire.last_delta), ended=ended.at,
        started_ns=ask.received.wall_ns, first_byte_ns=_ns(wire.first_byte), first_token_ns=_ns(wire.first_token),
        first_delta_ns=_ns(wire.first_delta), last_delta_ns=_ns(wire.last_delta), ended_ns=ended.wall_ns,
    )  # fmt: skip


def _ending(wire: Sent, facts: Facts) -> str:
    if wire.dropped:
        return "dropped"
    if not (wire.complete or facts.finished):
        return "client_disconnected"
    return "error" if wire.status >= _FIRST_ERROR or facts.stream_error else "complete"


def _at(moment: Moment | None) -> float | None:
    return moment.at if moment else None


def _ns(moment: Moment | None) -> int | None:
    return moment.wall_ns if moment else None
