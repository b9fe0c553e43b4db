"""What the simulator pretends to be: projects, deployments, models, tier rules, limits and faults, all frozen data.

Figures that no document states (refusal shares, waits, speeds) are *modelled*: a profile's numbers, never claims about
the real service.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

TierOn = Literal["all", "some", "none", "last", "echo", "null"]
"""Where a stream carries `service_tier`. Chat: on every chunk, on some (never the first), on none, on the last choice
chunk alone, the *requested* tier until the last choice chunk then the served one, or `null` on every chunk. Responses:
`all` and `echo` echo the request until the terminal event (as recorded), `some` and `last` name it in the terminal
event alone, `none` nowhere, `null` as JSON null everywhere."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast one tier answers (modelled).

    `rate` is output tokens per second, `first_token` seconds from the request to the first token, `spread` the share by
    which both differ from request to request (0.1 = ±10 %, uniform, seeded), `jitter` the share of one token's interval
    by which single tokens come early or late: it never moves the first or the last token, so rates stay exact.
    """

    rate: float = 60.0
    first_token: float = 0.3
    spread: float = 0.1
    jitter: float = 0.3


DEFAULT_SPEEDS: Mapping[str, Speed] = MappingProxyType(
    {
        "default": Speed(rate=45.0, first_token=0.5),
        "priority": Speed(rate=95.0, first_token=0.25),
        "scale": Speed(rate=95.0, first_token=0.25),
        "flex": Speed(rate=25.0, first_token=1.2),
        "ultrafast": Speed(rate=400.0, first_token=0.15),
    }
)


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    `snapshot` is the dated name its replies carry, `speeds` its speed by canonical tier (a tier that is not listed runs
    as `default`), `excludes_long_context` whether priority stops at 128k prompt tokens ('Priority processing' pages of
    OpenAI and Azure), `flex` whether flex is offered, `scale_input_tpm` and `scale_output_tpm` the tokens per minute of
    one scale unit ('Scale tier' page), `output_tokens` the range of visible tokens of a reply that no limit shortens,
    `reasoning_tokens` the hidden tokens before them.
    """

    snapshot: str
    speeds: Mapping[str, Speed] = field(default_factory=lambda: DEFAULT_SPEEDS)
    excludes_long_context: bool = False
    flex: bool = True
    ultrafast: bool = False
    answers_fast: bool = False
    scale_input_tpm: int = 30_000
    scale_output_tpm: int = 2_500
    output_tokens: tuple[int, int] = (24, 60)
    reasoning_tokens: int = 0

    def speed(self, tier: str) -> Speed:
        """The speed at a canonical tier; `default` speaks for tiers that have none of their own."""
        return self.speeds.get(tier) or self.speeds.get("default") or Speed()


@dataclass(frozen=True, slots=True)
class Project:
    """An OpenAI project.

    `default_tier` is what `auto` and an omitted tier mean: `standard`, `fast` or `scale` ('project service tier
    settings' of the admin API). `enabled_tiers` are the canonical tiers it may use beside `default`, `None` = all.
    `scale_units` are purchased units by model name, as (input units, output units).
    """

    default_tier: str = "standard"
    enabled_tiers: frozenset[str] | None = None
    scale_units: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deployment:
    """An Azure deployment: its model, `properties.service_tier` (`default` or `priority`), and its region."""

    model: str
    default_tier: str = "default"
    region: str = "Sweden Central"
    spills_to: str | None = None


@dataclass(frozen=True, slots=True)
class TierRules:
    """How tiers are kept and broken.

    Ramp rate ('Priority processing guide': growth above 50 % within 15 minutes, from 1M input tokens per minute on):
    the served priority traffic of the running minute may reach `ramp_floor_tpm`, or (1 + `ramp_growth`) times the
    slowest minute of the last `ramp_window` seconds, whichever is more; what exceeds it is served `default`.
    `peak_load` is the share of priority requests served `default` for load, `flex_refusal` the share of flex attempts
    that get 429 Resource Unavailable (each attempt is drawn anew, so some recover on a retry), `flex_wait` the mean
    queueing time of flex in seconds (both modelled). `scale_request_on_chat` is whether chat accepts an explicit
    `scale` (the API refuses it since 2026-08-30, livekit/agents#7044). `ultrafast_region` is False where ultrafast is
    not offered and requests run at `default` ('Ultrafast mode' guide).
    """

    ramp_floor_tpm: float = 1_000_000
    ramp_growth: float = 0.5
    ramp_window: float = 900.0
    long_context_tokens: int = 128_000
    peak_load: float = 0.0
    flex_refusal: float = 0.0
    flex_wait: float = 0.0
    scale_request_on_chat: bool = False
    ultrafast_region: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits per project, shared by all tiers: requests and tokens a (scaled) minute; above them 429."""

    requests_per_minute: int = 10_000
    tokens_per_minute: int = 30_000_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of attempts (0 to 1) that fail: with a status before the reply, or inside a stream.

    `admin_429` is how many requests of the admin API are refused first, each with `retry_after_ms`.
    """

    status_429: float = 0.0
    status_500: float = 0.0
    status_503: float = 0.0
    stream_error: float = 0.0
    drop: float = 0.0
    retry_after_ms: int | None = None
    admin_429: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything a simulator is told before it starts.

    `seed` makes draws repeat in order of arrival. `time_scale` shortens the minutes of ramp, scale and rate limits and
    the waits of flex and background by its factor (60 = an hour passes in a minute); it never touches token pacing or
    first-token latency. `background_wait` is the seconds a background response stays queued,
    `batch_wait` the mean seconds from the creation of a batch to its end (modelled; the promise is 24 h).
    `models` may be asked for by name or by snapshot; other names are served as `fallback` unless `strict_models`.
    `projects` are keyed by the `OpenAI-Project` header, `default_project` speaks for requests without one.
    """

    seed: int = 0
    projects: Mapping[str, Project] = field(default_factory=lambda: {"proj_default": Project()})
    default_project: str = "proj_default"
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    fallback: Model = field(default_factory=lambda: Model(snapshot=""))
    strict_models: bool = False
    tiers: TierRules = field(default_factory=TierRules)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    time_scale: float = 1.0
    background_wait: float = 2.0
    batch_wait: float = 7200.0
    tier_on: TierOn = "all"
    organization: str = "tierscope-simulated"

    def model(self, name: str) -> Model | None:
        """The model a request names (snapshots and `ft:` names too); `None` only where models are strict."""
        base = name.split(":")[1] if name.startswith("ft:") and name.count(":") else name
        known = self.models.get(base) or next((m for m in self.models.values() if m.snapshot == base), None)
        if known:
            return known if base == name else replace(known, snapshot=name)
        return None if self.strict_models else _named(self.fallback, name)

    def project(self, name: str | None) -> Project:
        """The project of a request; unknown ids behave as a project without settings."""
        return self.projects.get(name or self.default_project, Project())

    @staticmethod
    def fast(**changes: object) -> "Profile":
        """For tests: quick tokens, no spread, no waits worth mentioning; `changes` replace fields of the profile."""
        quick = {tier: Speed(rate=2000.0, first_token=0.005, spread=0.0) for tier in DEFAULT_SPEEDS}
        fallback = Model(snapshot="", speeds=quick, output_tokens=(8, 8))
        base = Profile(fallback=fallback, models=_known(quick, (8, 8)), time_scale=60.0, background_wait=3.0)
        return replace(base, **changes)  # type: ignore[arg-type]  # the fields' own types are checked by their users

    @staticmethod
    def demo(seed: int = 7, time_scale: float = 60.0) -> "Profile":
        """What `tierscope demo` runs against: every tier, and every way of not getting it, within a minute.

        `proj_chat` asks per request, `proj_fast` defaults to priority, `proj_analyst` has a small scale entitlement
        that spills over, `proj_batchy` lives on flex and is refused at times. A burst of priority meets the ramp limit
        (its floor is lowered from 1M to 36k tokens per scaled minute: a laptop reaches it, ordinary chat does not).
        Nothing else but long prompts takes priority away: whoever sees replies alone cannot tell load from the limit.
        """
        units = dict.fromkeys(("gpt-4.1", "gpt-5"), (1, 1))
        return Profile(
            seed=seed,
            projects={
                "proj_chat": Project(),
                "proj_fast": Project(default_tier="fast"),
                "proj_analyst": Project(default_tier="scale", scale_units=units),
                "proj_batchy": Project(enabled_tiers=frozenset({"flex"})),
            },
            default_project="proj_chat",
            deployments={
                "chat-prod": Deployment("gpt-4.1", default_tier="priority"),
                "chat-dev": Deployment("gpt-4.1"),
                "reasoner": Deployment("gpt-5", default_tier="priority", region="East US 2"),
            },
            models=_known(_demo_speeds(), (30, 70)),
            tiers=TierRules(ramp_floor_tpm=36_000, flex_refusal=0.35, flex_wait=20.0),
            faults=Faults(status_500=0.004, status_503=0.004, stream_error=0.003),
            time_scale=time_scale,
        )


def _named(model: Model, name: str) -> Model:
    """The fall-back under the asked name, with the naming rules of the 'Fast mode' and 'Ultrafast mode' guides."""
    ultrafast = name in {"gpt-6-astra", "gpt-6.1-sol"}
    return replace(model, snapshot=model.snapshot or name, answers_fast=name.startswith("gpt-6"), ultrafast=ultrafast)


def _demo_speeds() -> dict[str, Speed]:
    """Quicker than `DEFAULT_SPEEDS`, so that a demo shows many calls; the order of the tiers is what counts."""
    return {
        "default": Speed(rate=60.0, first_token=0.25),
        "priority": Speed(rate=120.0, first_token=0.12),
        "scale": Speed(rate=120.0, first_token=0.12),
        "flex": Speed(rate=40.0, first_token=0.4),
        "ultrafast": Speed(rate=400.0, first_token=0.08),
    }


def _known(speeds: Mapping[str, Speed], output: tuple[int, int]) -> dict[str, Model]:
    """Models whose rules the documents state; speeds are the profile's."""

    def model(snapshot: str, **rules: bool | int) -> Model:
        return Model(snapshot=snapshot, speeds=speeds, output_tokens=output, **rules)  # type: ignore[arg-type]

    wide = {"scale_input_tpm": 500_000, "scale_output_tpm": 50_000}
    return {
        "gpt-5": model("gpt-5-2025-08-07", reasoning_tokens=16, scale_input_tpm=25_000),
        "gpt-5-mini": model("gpt-5-mini-2025-08-07", reasoning_tokens=8, **wide),
        "gpt-4.1": model("gpt-4.1-2025-04-14", excludes_long_context=True, flex=False),
        "gpt-4.1-mini": model("gpt-4.1-mini-2025-04-14", excludes_long_context=True, flex=False, **wide),
        "gpt-4o-mini": model("gpt-4o-mini-2024-07-18", flex=False, **wide),
        "gpt-5.4": model("gpt-5.4-2026-03-05", excludes_long_context=True),
        "gpt-6-sol": model("gpt-6-sol-2026-09-22", answers_fast=True),
        "gpt-6-astra": model("gpt-6-astra", answers_fast=True, ultrafast=True),
        "gpt-6.1-sol": model("gpt-6.1-sol", answers_fast=True, ultrafast=True),
    }
