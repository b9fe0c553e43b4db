"""Reply headers as recorded: OpenAI's and Azure's differ in names and in how they write a reset."""

import uuid
from collections.abc import Mapping

from tierscope.simulator.ask import Ask
from tierscope.simulator.meters import MINUTE
from tierscope.simulator.profile import Limits, Profile


def reply_headers(ask: Ask, profile: Profile, used: tuple[float, float], elapsed: float) -> dict[str, str]:
    """All headers but the body's own.

    `used` are the requests and tokens of the running minute, `elapsed` the seconds from the request to the headers.
    """
    return _azure(ask, profile, used) if ask.azure else _openai(profile, ask, used, elapsed)


def _openai(profile: Profile, ask: Ask, used: tuple[float, float], elapsed: float) -> dict[str, str]:
    limits = profile.limits
    return {
        "x-request-id": f"req_{uuid.uuid4().hex}",
        "openai-version": "2020-10-01",
        "openai-organization": profile.organization,
        "openai-project": ask.project or profile.default_project,
        "openai-processing-ms": str(round(elapsed * 1000)),
        **_ratelimit(limits, used),
        "x-ratelimit-reset-requests": duration(used[0] / limits.requests_per_minute * MINUTE),
        "x-ratelimit-reset-tokens": duration(used[1] / limits.tokens_per_minute * MINUTE),
    }


def _azure(ask: Ask, profile: Profile, used: tuple[float, float]) -> dict[str, str]:
    spill = {"x-ms-is-spilled-over": "false"}
    deployed = profile.deployments.get(ask.deployment or "")
    if deployed and deployed.spills_to:
        spill = {"x-ms-is-spilled-over": "true", "x-ms-spillover-from-deployment": ask.deployment or ""}
    return {
        "x-request-id": str(uuid.uuid4()),
        "apim-request-id": str(uuid.uuid4()),
        "azureml-model-session": "v-simulated",
        "x-ms-region": ask.region or "Sweden Central",
        "x-ms-deployment-name": (deployed.spills_to if deployed else None) or ask.deployment or "",
        **spill,
        **_ratelimit(profile.limits, used),
        "x-ratelimit-reset-requests": "60",
        "x-ratelimit-reset-tokens": "60",
    }


def _ratelimit(limits: Limits, used: tuple[float, float]) -> Mapping[str, str]:
    return {
        "x-ratelimit-limit-requests": str(limits.requests_per_minute),
        "x-ratelimit-limit-tokens": str(limits.tokens_per_minute),
        "x-ratelimit-remaining-requests": str(max(0, round(limits.requests_per_minute - used[0]))),
        "x-ratelimit-remaining-tokens": str(max(0, round(limits.tokens_per_minute - used[1]))),
    }


def duration(seconds: float) -> str:
    """A reset as OpenAI writes it (recorded: `12ms`, `8.64s`, `1m0.198s`, `0s`)."""
    if seconds < 0.0005:  # noqa: PLR2004  # rounds to no millisecond
        return "0s"
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), MINUTE)
    return (f"{int(minutes)}m" if minutes else "") + f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
