"""The admin API, answered from the simulator's own ledger: usage of completions, costs, tier settings of projects.

Paths, parameters, limits and fields are those of openai-python 3.57 (`types/admin/organization/usage_*`, `.../projects/
project_service_tier_settings`). The usage is of this run and of what the ledger's file held before. Modelled: a request
belongs to the bucket in which it arrived; the first and the last bucket end where the range does; a tier is the one
that served, spelt as the reply spelt it; a line item is the model and the kind of token ("gpt-6-astra, input_tokens" is
documented, the other kinds and how a tier shows are not). Keys and users are not kept: grouped by, they are null. No
delay: usage is there at once.

A key that begins with `sk-admin` may read all of it, `sk-admin-unscoped` and any other key lack the permission.
None of these requests is inference: they are in no row of the ledger.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tierscope.simulator import errors
from tierscope.simulator.batches import Shelf
from tierscope.simulator.books import Entry, batches, costs, entries, grouped
from tierscope.simulator.ledger import Ledger
from tierscope.simulator.profile import Profile, Project
from tierscope.simulator.query import COSTS, USAGE, Query, Refused, read_query
from tierscope.simulator.service import INVALID_KEY

ADMIN_KEY = "sk-admin-simulated"
UNSCOPED_KEY = "sk-admin-unscoped"
SCOPE = "api.usage.read"
_OPTIONAL = {"priority": "fast", "flex": "flex", "ultrafast": "ultrafast"}
_DEFAULTS = {"default": "standard", "priority": "fast"}


class Admin:
    """The admin API of one service. Used from one event loop only."""

    def __init__(self, profile: Profile, ledger: Ledger, shelf: Shelf) -> None:
        self._profile, self._ledger, self._shelf = profile, ledger, shelf
        self._refusals = profile.faults.admin_429

    def guarded(self, answer: Callable[[Request], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that first looks at the key and the rate limit."""

        async def endpoint(request: Request) -> Response:
            try:
                self._allow(request)
                return JSONResponse(answer(request))
            except Refused as refused:
                problem = refused.problem
                return JSONResponse(problem.body(), problem.status, dict(problem.headers))

        return endpoint

    def _allow(self, request: Request) -> None:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not key or key == INVALID_KEY:
            raise Refused(errors.invalid_key(key))
        if not key.startswith("sk-admin") or key == UNSCOPED_KEY:
            raise Refused(errors.lacks_scope(SCOPE))
        if self._refusals > 0:
            self._refusals -= 1
            raise Refused(errors.of_status(429, self._profile.faults.retry_after_ms))

    def _entries(self) -> Iterator[Entry]:
        yield from entries((*self._ledger.earlier, *self._ledger.rows()), self._profile)
        yield from batches(self._shelf.ended())

    def usage(self, request: Request) -> dict[str, Any]:
        """`GET /organization/usage/completions`."""
        return self._page(read_query(request, USAGE), grouped)

    def costs(self, request: Request) -> dict[str, Any]:
        """`GET /organization/costs`."""
        return self._page(read_query(request, COSTS), costs)

    def _page(
        self, query: Query, results: Callable[[list[Entry], tuple[str, ...]], list[dict[str, Any]]]
    ) -> dict[str, Any]:
        edges = query.edges()
        held: dict[int, list[Entry]] = {begin: [] for begin, _ in edges}
        for entry in self._entries():
            begin = query.bucket(entry.at)
            if begin in held and query.start <= entry.at < query.end and query.wants(entry):
                held[begin].append(entry)
        data = [
            {"object": "bucket", "start_time": begin, "end_time": end, "results": results(held[begin], query.group_by)}
            for begin, end in edges
        ]
        following = edges[-1][1] if edges and edges[-1][1] < query.end else None
        cursor = None if following is None else f"page_{following}"
        return {"object": "page", "data": data, "has_more": cursor is not None, "next_page": cursor}

    def settings(self, request: Request) -> dict[str, Any]:
        """`GET /organization/projects/{project_id}/service_tier_settings`."""
        name = str(request.path_params["project_id"])
        project = self._profile.projects.get(name)
        if project is None:
            raise Refused(errors.unknown_project(name))
        return _settings(project)


def _settings(project: Project) -> dict[str, Any]:
    enabled = project.enabled_tiers
    return {
        "object": "project.service_tier_settings",
        "default": _DEFAULTS.get(project.default_tier, project.default_tier),
        "enabled_tiers": "all" if enabled is None else sorted(_OPTIONAL[tier] for tier in enabled if tier in _OPTIONAL),
    }


def admin_routes(profile: Profile, ledger: Ledger, shelf: Shelf) -> list[Route]:
    """The three routes, under OpenAI's root alone."""
    admin = Admin(profile, ledger, shelf)
    answers: Mapping[str, Callable[[Request], dict[str, Any]]] = {
        "usage/completions": admin.usage,
        "costs": admin.costs,
        "projects/{project_id}/service_tier_settings": admin.settings,
    }
    return [
        Route(f"/v1/organization/{path}", endpoint=admin.guarded(answer), methods=["GET"])
        for path, answer in answers.items()
    ]
