"""The variables above the panels; the same names on every board, so that a link keeps what was chosen."""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.promql import ENVIRONMENT, SERVICE, label, select

from grafana.queries import DATED
from grafana.spec import Variable
from tierscope import signals as s

_ENVIRONMENT: Final = f'{ENVIRONMENT}=~"$environment"'
_SERVICE: Final = f'{SERVICE}=~"$service"'
_PROVIDER: Final = f'{label(s.PROVIDER)}=~"$provider"'

PLACE: Final = (
    Variable("environment", "Environment", select(s.CALLS), ENVIRONMENT, "Resource attribute of the services."),
    Variable("service", "Service", select(s.CALLS, _ENVIRONMENT), SERVICE, "Panels of promises count all services."),
    Variable("provider", "Provider", select(s.CALLS, _ENVIRONMENT, _SERVICE), label(s.PROVIDER), "Who was called."),
)
USUAL: Final = (
    *PLACE,
    Variable(
        "model",
        "Model",
        select(s.CALLS, _ENVIRONMENT, _SERVICE, _PROVIDER),
        label(s.REQUEST_MODEL),
        f"As asked for; panels by answering model take its snapshots in (`{DATED}`), but not what stands behind an "
        "Azure deployment of another name.",
    ),
    Variable(
        "tier",
        "Tier",
        select(s.CALLS, _ENVIRONMENT, _SERVICE, _PROVIDER),
        label(s.TIER_EXPECTED),
        "What was expected; where a series does not know that, what was requested, else what served.",
    ),
)
PROMISED: Final = (
    *PLACE,
    Variable(
        "model",
        "Promised model",
        select(r.WINDOW_CALLS.name, _ENVIRONMENT, _PROVIDER),
        label(r.PROMISE_MODEL),
        "As the catalog names it; one at a time.",
        multi=False,
    ),
    Variable(
        "tier",
        "Tier",
        select(r.WINDOW_CALLS.name, _ENVIRONMENT, _PROVIDER),
        label(s.TIER_SERVED),
        "Tier that is promised a rate; one at a time.",
        multi=False,
    ),
)
