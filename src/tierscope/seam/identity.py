"""Whom a request goes to and what it asks for: the SDK's client and options in, ``model.Request`` out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from tierscope import tiers
from tierscope.catalog.providers import AZURE
from tierscope.model import Request
from tierscope.reading import request as reading
from tierscope.seam import batches
from tierscope.words import BATCH, UNREPORTED, UNSET

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from tierscope.catalog import Provider
    from tierscope.model import Endpoint, Operation, RawMode, TierSource
    from tierscope.seam.world import World

MAX_FORMS = 1024
"""Forms of calls that are remembered; what comes on top is worked out at each call."""
_PORTS: Mapping[str, int] = {"https": 443, "http": 80}
RAW_HEADER = "X-Stainless-Raw-Response"
_RAW_MODES: Mapping[str, RawMode] = {"true": "raw", "stream": "stream"}


@functools.lru_cache(maxsize=256)
def is_azure(kind: Hashable) -> bool:
    """Say whether a client class is one of Azure's, by name: importing the class would import openai."""
    return any(base.__name__ == "BaseAzureClient" for base in getattr(kind, "__mro__", ()))


@functools.lru_cache(maxsize=256)
def _has_plain_url(kind: Hashable) -> bool:
    """Say whether ``base_url`` of a client class is its ``_base_url``, as the SDK's own have it since 1.40.

    The module-level client, and a user's subclass, may answer anew each time; the SDK's own property costs 5 us in
    openai 3.57.
    """
    getter = getattr(getattr(kind, "base_url", None), "fget", None)
    return getattr(getter, "__module__", "").startswith("openai._")


def _address(url: Any) -> tuple[str | None, int | None]:
    """Return host and port of a URL of httpx or httpx2; the scheme's own port where none is written."""
    return url.host or None, url.port or _PORTS.get(url.scheme)


class Where(NamedTuple):
    """Whom a request goes to, as settings name it."""

    deployment: str | None
    project: str | None
    host: str | None
    port: int | None

    def subjects(self) -> tuple[tuple[str, str], ...]:
        """Return the keys of ``Settings.expected_tiers`` that apply, the nearest first."""
        port = ("host", f"{self.host}:{self.port}")
        return ("deployment", self.deployment or ""), ("project", self.project or ""), port, ("host", self.host or "")


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


def expected_tier(world: World, row: Provider, word: str, where: Where, *, is_header: bool = False) -> str | None:
    """Return the tier that a requested word promises; what the host documents of no tier says nothing of ``auto``."""
    configured = configured_tier(world, where) or (row.unset_means if word == UNSET else None)
    return tiers.expected(
        word, configured=configured, auto_means=row.header_auto_means if is_header else row.auto_means
    )


def configured_tier(world: World, where: Where) -> str | None:
    """Return what ``auto`` and an omitted tier resolve to by the settings: deployment, project, host, default."""
    table = world.settings.expected_tiers
    found = (table[subject] for subject in where.subjects() if subject in table) if table else ()
    return next(iter(found), world.settings.default_tier)


def with_tier(world: World, request: Request, row: Provider, raw: str | None, source: TierSource) -> Request:
    """Return the request with its tier resolved anew."""
    word = tiers.requested(raw, row.aliases)
    where = Where(request.deployment, request.project, request.address, request.port)
    return request._replace(
        tier_raw=raw,
        tier_source=source,
        requested=word,
        expected=expected_tier(world, row, word, where, is_header=source == "header"),
    )


class Form(NamedTuple):
    """What calls of one form share: the client's settings, the URL, tier and model."""

    request: Request
    row: Provider
    world: World
    """Who observes calls of this form, and by which clocks."""
    is_settled: bool
    """Whether the request as built can tell nothing more."""
    base_url: Any
    """Kept because its ``id`` is part of the key: no other URL may get it while the form is known."""


def form(world: World, client: Any, options: Any, kind: tuple[Endpoint, Operation], *, is_stream: bool) -> Form:
    """Return what is known when a call starts; worked out once for all calls of one form."""
    body, extra, headers = options.json_data, getattr(options, "extra_json", None), options.headers
    if extra or type(body) is not dict:
        body = reading.merged(body, extra)
    base = client._base_url if _has_plain_url(client.__class__) else None  # noqa: SLF001  see there
    key = (
        kind,
        options.url,
        is_stream,
        headers.get(RAW_HEADER) if isinstance(headers, dict) else None,
        *reading.asked(body),
        getattr(client, "project", None),
        getattr(client, "organization", None),
        getattr(client, "_azure_deployment", None),  # since openai 1.66, on Azure's clients
        type(client),
        id(base),
    )
    known = world.forms.get(key)
    if known is None or base is None:
        known = _resolved(world, client, base, *key[:-2])
        if (
            len(world.forms) < MAX_FORMS and base is not None and kind[0] != "batches"
        ):  # each batch has a URL of its own
            world.forms[key] = known
    return known


def _resolved(
    world: World,
    client: Any,
    base_url: Any,
    kind: tuple[Endpoint, Operation],
    url: str,
    is_stream: bool,
    raw_mode: str | None,
    tier: str | None,
    model: str | None,
    is_background: bool,
    window: str | None,
    project: str | None,
    organization: str | None,
    deployment: str | None,
) -> Form:
    """Resolve whom a request goes to, and what was promised there."""
    endpoint, operation = kind
    host, port = _address(client._prepare_url(url) if "://" in url else client.base_url)  # noqa: SLF001  as the SDK will
    row, trusted = provider_row(world, host, port, is_azure=is_azure(client.__class__))
    request = Request(
        operation=operation,
        endpoint=endpoint,
        provider=row.name,
        row=row.key,
        trusted=trusted,
        model=model,
        address=host,
        port=port,
        requested=UNREPORTED,
        is_stream=is_stream,
        raw_mode=_RAW_MODES.get(raw_mode or ""),
        is_background=is_background,
        project=project,
        organization=organization,
        deployment=deployment,
        window=window,
    )
    if endpoint == "batches":
        return Form(request._replace(requested=BATCH, expected=BATCH), row, batches.apart(world), True, base_url)
    if operation != "fetch_response":
        request = with_tier(world, request, row, tier, "none" if tier is None else "body")
    is_settled = row.name != AZURE and row.request_header is None and not world.settings.expected_tiers
    return Form(request, row, world, is_settled, base_url)


def as_sent(world: World, request: Request, row: Provider, sent: Any) -> Request:
    """Return the request as the SDK built it: Azure's header and deployment, a project named by a header."""
    known = request
    if row.name == AZURE and request.deployment is None:
        request = request._replace(deployment=reading.deployment(sent.url.path))
    if world.settings.expected_tiers:
        request = request._replace(project=sent.headers.get("openai-project") or request.project)
    raw = sent.headers.get(row.request_header) if row.request_header else None
    if raw is not None:
        return with_tier(world, request, row, raw[: reading.MAX_TIER], "header")
    if request is known or request.operation == "fetch_response":
        return request
    return with_tier(world, request, row, request.tier_raw, request.tier_source)
