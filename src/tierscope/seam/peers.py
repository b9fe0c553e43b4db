"""Whom a WebSocket connection leads to, and what a request over it asks for: ``model.Request`` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.model import Request
from tierscope.reading import request as reading
from tierscope.reading.fields import mapping
from tierscope.seam import identity
from tierscope.seam.identity import Form
from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.seam.world import World

_PORTS: Final[Mapping[str, int]] = {"wss": 443, "ws": 80}


class Peer(NamedTuple):
    """The other end of a connection, as far as it is known; what is said of one holds for all its responses."""

    host: str | None = None
    port: int | None = None
    project: str | None = None
    organization: str | None = None
    deployment: str | None = None
    is_azure: bool = False


def of_manager(manager: Any) -> Peer:
    """Return whom a manager would connect to."""
    client = _client(manager)
    if client is None:
        return Peer()
    url = manager._prepare_url()  # noqa: SLF001  as the SDK will
    return Peer(
        host=url.host or None,
        port=url.port or _PORTS.get(url.scheme),
        project=getattr(client, "project", None),
        organization=getattr(client, "organization", None),
        deployment=getattr(client, "_azure_deployment", None),
        is_azure=identity.is_azure(client.__class__),
    )


def of_connection(connection: Any, known: Peer) -> Peer:
    """Return whom a connection leads to by its handshake, and for the rest what its manager told."""
    socket = getattr(connection, "_connection", None)
    uri = getattr(getattr(socket, "protocol", None), "uri", None)
    headers = getattr(getattr(socket, "request", None), "headers", None)
    sent = dict(headers.raw_items()) if headers is not None else {}
    told = {name.lower(): value for name, value in sent.items()}
    return known._replace(
        host=getattr(uri, "host", None) or known.host,
        port=getattr(uri, "port", None) or known.port,
        project=told.get("openai-project") or known.project,
        organization=told.get("openai-organization") or known.organization,
    )


def _client(manager: Any) -> Any:
    """Return the client of a manager, which keeps it under a name of its class's own."""
    names = (f"_{kind.__name__.lstrip('_')}__client" for kind in type(manager).__mro__)
    return next((vars(manager)[name] for name in names if name in vars(manager)), None)


def form(world: World, peer: Peer, event: Any) -> Form:
    """Return what is known when a response is asked for; worked out once for all of one form."""
    tier, model, _, _ = reading.asked(mapping(event))
    return _form(world, peer, tier, model, is_seen=True)


def unseen(world: World, peer: Peer) -> Form:
    """Return the form of a response whose request was never seen: its tier is unknown, not unset."""
    return _form(world, peer, None, None, is_seen=False)


def _form(world: World, peer: Peer, tier: str | None, model: str | None, *, is_seen: bool) -> Form:
    key = ("websocket", *peer, tier, model, is_seen)
    known = world.forms.get(key)
    if known is None:
        known = _resolved(world, peer, tier, model, is_seen=is_seen)
        if len(world.forms) < identity.MAX_FORMS:
            world.forms[key] = known
    return known


def _resolved(world: World, peer: Peer, tier: str | None, model: str | None, *, is_seen: bool) -> Form:
    row, trusted = identity.provider_row(world, peer.host, peer.port, is_azure=peer.is_azure)
    request = Request(
        operation="chat",
        endpoint="responses",
        provider=row.name,
        row=row.key,
        trusted=trusted,
        model=model,
        address=peer.host,
        port=peer.port,
        requested=UNREPORTED,
        is_stream=True,
        project=peer.project,
        organization=peer.organization,
        deployment=peer.deployment,
    )
    if is_seen:
        request = identity.with_tier(world, request, row, tier, "none" if tier is None else "body")
    return Form(request, row, world, True, None)
