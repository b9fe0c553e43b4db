"""Whom a call goes to and what was promised there: Azure's hosts and headers, gateways, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.conftest import CHAT, http_client

from tierscope import testing
from tierscope.config import Settings
from tierscope.seam import World
from tierscope.seam.identity import Where, configured_tier, provider_row

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

TIER: dict[str, Any] = {"service_tier": "priority"}
CHAT_BODY = replies.chat()
AZURE = Settings(trusted_hosts={"127.0.0.1": None}, expected_tiers={("deployment", "prod"): "priority"})


@pytest.mark.parametrize(
    ("deployment", "headers", "expected", "outcome"),
    [
        pytest.param("prod", {}, "priority", "downgraded", id="deployment default"),
        pytest.param(None, {}, "priority", "downgraded", id="deployment from the model in the URL"),
        pytest.param("other", {}, None, "resolved", id="unknown deployment"),
        pytest.param("other", {"x-ms-service-tier": "auto"}, "priority", "downgraded", id="header auto is priority"),
        pytest.param("other", {"X-MS-Service-Tier": "default"}, "default", "honored", id="header in any case"),
    ],
)
@pytest.mark.parametrize("where", ["default_headers", "extra_headers"])
def test_azure_resolves_header_and_deployment(
    service: Service, deployment: str | None, headers: dict[str, str], expected: str, outcome: str, where: str
) -> None:
    """Azure's header beats the body, from the client or the call; the deployment comes from client or URL."""
    azure = openai.AzureOpenAI(
        api_key="k",
        http_client=http_client(),
        azure_endpoint=service.url(replies.whole(replies.chat("default"))).removesuffix("/v1"),
        azure_deployment=deployment,
        api_version="2024-10-21",
        default_headers=headers if where == "default_headers" else None,
    )
    extra = headers if where == "extra_headers" else None
    with azure as client, testing.capture(AZURE) as calls:
        client.chat.completions.create(**{**CHAT, "model": "prod"}, extra_headers=extra)
    (call,) = calls
    assert (call.request.provider, call.request.expected, call.outcome) == ("azure.ai.openai", expected, outcome)
    assert call.request.deployment == (deployment or "prod")


def test_azure_is_known_by_its_host_too() -> None:
    """``OpenAI(base_url="https://X.openai.azure.com/openai/v1/")`` is Azure, and its echo is trusted."""
    world = World(observer=None, settings=Settings())  # type: ignore[arg-type]
    world.equip()
    row, trusted = provider_row(world, "x.openai.azure.com", 443, is_azure=False)
    assert (row.name, trusted) == ("azure.ai.openai", True)


def test_a_gateway_in_front_of_azure_is_azure_but_not_trusted() -> None:
    """An ``AzureOpenAI`` client on another host: provider Azure, echo believed only by configuration."""
    world = World(observer=None, settings=Settings())  # type: ignore[arg-type]
    world.equip()
    row, trusted = provider_row(world, "x.azure-api.net", 443, is_azure=True)
    assert (row.name, trusted) == ("azure.ai.openai", False)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({("deployment", "d"): "flex", ("project", "p"): "scale", ("host", "h:8080"): "priority"}, "flex"),
        ({("project", "p"): "scale", ("host", "h:8080"): "priority"}, "scale"),
        ({("host", "h:8080"): "priority", ("host", "h"): "ultrafast"}, "priority"),
        ({("host", "h:80"): "priority", ("host", "h"): "ultrafast"}, "ultrafast"),
        ({("project", "other"): "scale"}, "default"),
    ],
    ids=["deployment", "project", "host and port", "host", "default"],
)
def test_the_nearest_setting_says_what_a_missing_tier_means(table: dict[tuple[str, str], str], expected: str) -> None:
    """Deployment before project before host, and the default setting last."""
    settings = Settings(expected_tiers=table, default_tier="default")
    world = World(observer=None, settings=settings)  # type: ignore[arg-type]
    world.equip()
    assert configured_tier(world, Where("d", "p", "h", 8080)) == expected


def test_an_unknown_host_is_unverified(service: Service) -> None:
    """The echo of a host without a documented row is believed only by configuration."""
    with testing.capture(Settings()) as calls:
        service.client(replies.whole(CHAT_BODY)).chat.completions.create(**CHAT, **TIER)
    assert calls[0].outcome == "unverified"
