"""The routes: OpenAI's under `/v1`, Azure's under `/openai`."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from tierscope.simulator.admin import admin_routes
from tierscope.simulator.batches import Shelf, batch_routes
from tierscope.simulator.chat import CHAT
from tierscope.simulator.exchange import Cancel, Delete, Endpoint, Retrieve
from tierscope.simulator.frames import Family
from tierscope.simulator.ledger import Ledger
from tierscope.simulator.legacy import COMPLETIONS, EMBEDDINGS
from tierscope.simulator.profile import Profile
from tierscope.simulator.responses import COMPACT, RESPONSES
from tierscope.simulator.service import Service
from tierscope.simulator.sockets import Sockets

_FAMILIES: dict[str, Family] = {
    "chat/completions": CHAT,
    "completions": COMPLETIONS,
    "embeddings": EMBEDDINGS,
    "responses": RESPONSES,
    "responses/compact": COMPACT,
}
_ROOTS = ("/v1", "/openai/v1", "/openai", "/openai/deployments/{deployment}")


def application(profile: Profile, ledger: Ledger) -> Starlette:
    """The ASGI application of one simulated service. It needs `wire.Protocol` as uvicorn's HTTP protocol."""
    service = Service(profile, ledger)
    shelf = Shelf(profile, service.clock)
    batches = [route for root in _ROOTS for route in batch_routes(service, shelf, root)]
    admin = admin_routes(profile, ledger, shelf)
    return Starlette(routes=[*admin, *batches, *(route for root in _ROOTS for route in _routes(service, root))])


def _routes(service: Service, root: str) -> list[BaseRoute]:
    posts = [
        Route(f"{root}/{name}", endpoint=Endpoint(service, name, family), methods=["POST"])
        for name, family in _FAMILIES.items()
    ]
    one = f"{root}/responses/{{response_id}}"
    return [
        *posts,
        WebSocketRoute(f"{root}/responses", endpoint=Sockets(service)),
        Route(one, endpoint=Retrieve(service, "responses.retrieve"), methods=["GET"]),
        Route(one, endpoint=Delete(service, "responses.delete"), methods=["DELETE"]),
        Route(f"{one}/cancel", endpoint=Cancel(service, "responses.cancel"), methods=["POST"]),
    ]
