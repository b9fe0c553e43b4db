"""Whom a request goes to and what it asks for: the SDK's client and options in, ``model.Request`` out."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tierscope import tiers
from tierscope.catalog.providers import AZURE
from tierscope.model import Request
from tierscope.reading import request as reading
from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.catalog import Provider
    from tierscope.model import Endpoint, Operation, RawMode
    from tierscope.seam.world import World

RAW_HEADER = "X-Stainless-Raw-Response"
_RAW_MODES: Mapping[str, RawMode] = {"true": "raw", "stream": "stream"}


def _is_azure(kind: type) -> bool:
    """Say whether a client class is one of Azure's, by name: importing the class would import openai."""
    return any(base.__name__ == "BaseAzureClient" for base in kind.__mro__)


@functools.lru_cache(maxsize=1024)
def _address(url: Any) -> tuple[str | None, int | None]:
    """Return host and port of a URL of httpx or httpx2; the scheme's own port where none is written."""
    return url.host or None, url.port or {"https": 443, "http": 80}.get(url.scheme)


def provider_row(world: World, host: str | None, port: int | None, *, is_azure: bool) -> tuple[Provider, bool]:
    """Return the provider's row for a host, and whether its echo of the tier is trusted."""
    row = world.catalog.of_host(host)
    configured = world.settings.trusted_hosts
    is_named = host in configured or f"{host}:{port}" in configured
    named = configured.get(host or "") or configured.get(f"{host}:{port}")
    if named is not None and named in world.catalog.providers:
        row = world.catalog.providers[named]
    elif is_azure and row.name != AZURE:
        return world.catalog.providers[AZURE], is_named
    return row, is_named or row.trust == "yes"


def _headers(options: Any) -> Mapping[str, Any]:
    return options.headers if isinstance(options.headers, dict) else {}


def configured_tier(world: World, request: Request, row: Provider) -> str | None:
    """Return what an omitted tier resolves to: deployment, project, host, default setting, the host's documents."""
    table = world.settings.expected_tiers
    subjects = (("deployment", request.deployment), ("project", request.project), ("host", request.address))
    found = (table.get((subject, name)) for subject, name in subjects if name) if table else ()
    return next((tier for tier in found if tier), None) or world.settings.default_tier or row.unset_means


def with_tier(world: World, request: Request, row: Provider, raw: str | None, source: str) -> Request:
    """Return the request with its tier resolved."""
    word = tiers.requested(raw, row.aliases)
    is_header = source == "header"
    return replace(
        request,
        tier_raw=raw,
        tier_source="none" if raw is None else "header" if is_header else "body",
        requested=word,
        expected=tiers.expected(
            word,
            configured=configured_tier(world, request, row),
            auto_means=row.header_auto_means if is_header else row.auto_means,
        ),
    )


def open_request(
    world: World, client: Any, options: Any, kind: tuple[Endpoint, Operation], *, is_stream: bool
) -> tuple[Request, Provider]:
    """Read what is known when a call starts; header tiers and deployments follow with the built request."""
    endpoint, operation = kind
    url = options.url
    where = client._prepare_url(url) if "://" in url else client.base_url  # noqa: SLF001  what the SDK itself will call
    host, port = _address(where)
    is_azure = _is_azure(type(client))
    row, trusted = provider_row(world, host, port, is_azure=is_azure)
    body = reading.merged(options.json_data, getattr(options, "extra_json", None))
    request = Request(
        operation=operation,
        endpoint=endpoint,
        provider=row.name,
        row=row.key,
        trusted=trusted,
        unix_ns=world.wall(),
        model=reading.model(body),
        address=host,
        port=port,
        is_stream=is_stream,
        raw_mode=_RAW_MODES.get(_headers(options).get(RAW_HEADER, "")),
        is_background=body.get("background") is True,
        project=getattr(client, "project", None),
        organization=getattr(client, "organization", None),
        deployment=getattr(client, "_azure_deployment", None) if is_azure else None,
    )
    if operation == "fetch_response":
        return replace(request, requested=UNREPORTED), row
    return with_tier(world, request, row, reading.tier_raw(body), "body"), row


def as_sent(world: World, request: Request, row: Provider, sent: Any) -> Request:
    """Return the request as the SDK built it: Azure's header and deployment, a project named by a header."""
    known = request
    if row.name == AZURE and request.deployment is None:
        request = replace(request, deployment=reading.deployment(sent.url.path))
    if world.settings.expected_tiers:
        request = replace(request, project=sent.headers.get("openai-project") or request.project)
    raw = sent.headers.get(row.request_header) if row.request_header else None
    if raw is not None:
        return with_tier(world, request, row, raw[: reading.MAX_TIER], "header")
    if request is known or request.operation == "fetch_response":
        return request
    return with_tier(world, request, row, request.tier_raw, request.tier_source)
