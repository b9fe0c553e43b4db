"""Which tier a request gets, and why: the rules of the service documents, decided once per attempt.

Sources: 'Service tiers' and 'Fast mode' guides, 'Priority processing', 'Scale tier' and 'Flex processing' pages of
OpenAI; 'Priority processing' and 'Flex processing' articles of Azure. No recording of a downgrade exists: that these
rules look like this on the wire is modelled.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tierscope.simulator import errors
from tierscope.simulator.ask import Ask
from tierscope.simulator.errors import Problem
from tierscope.simulator.meters import Clock, Meter, Ramp
from tierscope.simulator.profile import Deployment, Model, Profile, TierRules

_CHAT = ("auto", "default", "fast", "flex", "priority")
_ALLOWED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("openai", "chat/completions"): _CHAT,
    ("openai", "responses"): ("auto", "default", "fast", "flex", "priority", "scale", "ultrafast"),
    ("openai", "responses/compact"): _CHAT,
    ("azure", "chat/completions"): ("auto", "default", "flex", "priority"),
    ("azure", "responses"): ("auto", "default", "flex", "priority"),
}
_AZURE_HEADER = ("auto", "default", "flex", "priority")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision.

    `requested` is raw (None: nothing was sent), `expected` and `tier` canonical, `served` the raw word to be sent
    (None: the endpoint has no tier), `cause` one of none, ramp_rate, long_context, peak_load, scale_exhausted,
    flex_capacity, region, scripted.
    """

    requested: str | None = None
    requested_from: str | None = None
    expected: str | None = None
    tier: str = "default"
    served: str | None = None
    cause: str = "none"
    problem: Problem | None = None


def canonical(raw: str) -> str:
    """`fast` and `priority` are one tier, `standard` and `default` another; other words stay as they are."""
    return {"fast": "priority", "standard": "default"}.get(raw, raw)


def requested(ask: Ask) -> tuple[str | None, str | None]:
    """The raw tier asked for and where it stood: Azure's header beats the body."""
    if ask.tier_header is not None:
        return ask.tier_header, "header"
    value = ask.body.get("service_tier")
    return (None, None) if value is None else (str(value), "body")


class Gate:
    """Decides, and remembers the traffic that decisions depend on. Used from one event loop only."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile, self._clock = profile, clock
        self._ramps: dict[str, Ramp] = {}
        self._scale: dict[tuple[str, str, str], Meter] = {}

    def read(self, ask: Ask) -> Verdict:
        """What was asked for and what it means, before anything is decided; a word that is not taken is a problem."""
        allowed = self._allowed(ask)
        if not allowed:
            return Verdict()
        raw, origin = requested(ask)
        words = _AZURE_HEADER if origin == "header" else allowed
        if raw is not None and raw not in words:
            return Verdict(raw, origin, problem=errors.bad_tier_value(raw, words))
        return Verdict(raw, origin, self._expected(ask, raw, origin))

    def decide(self, ask: Ask, model: Model, rng: random.Random, output_tokens: int, read: Verdict) -> Verdict:
        """The tier of one attempt. `output_tokens` are the tokens the reply will have (scale counts them too)."""
        if read.expected is None:
            return read
        problem = self._forbidden(ask, model, read.expected)
        if problem and ask.script.served is None:
            return replace(read, problem=problem)
        tier, cause = self._served(ask, model, rng, read.expected, output_tokens)
        if cause == "flex_capacity":
            refusal = errors.flex_capacity(self._profile.faults.retry_after_ms)
            return replace(read, tier=tier, cause=cause, problem=refusal)
        forced = ask.script.served
        return replace(read, tier=tier, served=wire_word(tier, model) if forced is None else forced, cause=cause)

    def _allowed(self, ask: Ask) -> tuple[str, ...]:
        words = _ALLOWED.get((ask.provider, ask.endpoint), ())
        if words is _CHAT and self._profile.tiers.scale_request_on_chat:
            return (*words, "scale")
        return words

    def _expected(self, ask: Ask, raw: str | None, origin: str | None) -> str:
        if origin == "header" and raw == "auto":
            return "priority"
        if raw not in {None, "auto"}:
            return canonical(str(raw))
        if ask.azure:
            deployment = self._profile.deployments.get(ask.deployment or "", Deployment(""))
            return canonical(deployment.default_tier)
        return canonical(self._profile.project(ask.project).default_tier)

    def _forbidden(self, ask: Ask, model: Model, tier: str) -> Problem | None:
        enabled = None if ask.azure else self._profile.project(ask.project).enabled_tiers
        if enabled is not None and tier not in enabled | {"default"}:
            return errors.tier_not_allowed()
        offered = {"flex": model.flex, "ultrafast": model.ultrafast}.get(tier, True)
        return None if offered else errors.tier_not_offered(tier, ask.model)

    def _served(self, ask: Ask, model: Model, rng: random.Random, tier: str, output: int) -> tuple[str, str]:
        """The canonical tier that serves the request and the cause, where it is not the expected one."""
        rules = self._profile.tiers
        if ask.script.served is not None:
            served = canonical(ask.script.served)
            return served, ask.script.cause or ("none" if served == tier else "scripted")
        if tier == "priority":
            cause = self._lost_priority(ask, model, rng, rules)
            return ("default", cause) if cause else (tier, "none")
        if tier == "scale" and not self._entitled(ask, model, output):
            return "default", "scale_exhausted"
        if tier == "flex" and rng.random() < rules.flex_refusal:
            return tier, "flex_capacity"
        if tier == "ultrafast" and not rules.ultrafast_region:
            return "default", "region"
        return tier, "none"

    def _lost_priority(self, ask: Ask, model: Model, rng: random.Random, rules: TierRules) -> str | None:
        if model.excludes_long_context and ask.input_tokens > rules.long_context_tokens:
            return "long_context"
        if rng.random() < rules.peak_load:
            return "peak_load"
        ramp = self._ramps.setdefault(
            f"{ask.provider}/{ask.deployment or ask.project}/{model.snapshot}",
            Ramp(rules.ramp_floor_tpm, rules.ramp_growth, rules.ramp_window),
        )
        return None if ramp.admits(self._clock.now(), ask.input_tokens) else "ramp_rate"

    def _entitled(self, ask: Ask, model: Model, output: int) -> bool:
        """Whether the minute's entitlement (units times tokens, input and output apart) has room; counts if so."""
        project = self._profile.project(ask.project)
        units_in, units_out = project.scale_units.get(ask.model) or project.scale_units.get(model.snapshot) or (0, 0)
        now, where = self._clock.now(), (ask.project or "", model.snapshot)
        used_in = self._scale.setdefault((*where, "in"), Meter())
        used_out = self._scale.setdefault((*where, "out"), Meter())
        fits_in = used_in.last_minute(now) + ask.input_tokens <= units_in * model.scale_input_tpm
        fits_out = used_out.last_minute(now) + output <= units_out * model.scale_output_tpm
        if fits_in and fits_out:
            used_in.add(now, ask.input_tokens)
            used_out.add(now, output)
        return fits_in and fits_out


def wire_word(tier: str, model: Model) -> str:
    """The raw word a model answers: GPT-6 models say `fast` for priority, older ones `priority` ('Fast mode' guide)."""
    return "fast" if tier == "priority" and model.answers_fast else tier
