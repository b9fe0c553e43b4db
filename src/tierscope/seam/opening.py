"""Opening a call: the first one loads this room, and with it all that reads, times and records calls (ADR 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_origin

from tierscope.seam import identity, usage_asked
from tierscope.seam.opencall import OpenCall
from tierscope.seam.patches import LAYERS
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from tierscope.model import Endpoint, Operation, Request
    from tierscope.seam.world import World


def opened(
    world: World, client: Any, args: Any, kwargs: Any, options: Any, kind: tuple[Endpoint, Operation]
) -> OpenCall | None:
    """Open a call for an inference request; ``None`` where nobody observes it."""
    is_stream = bool(kwargs.get("stream"))
    form = identity.form(world, client, options, kind, is_stream=is_stream)
    request = form.request
    is_wanted = is_stream and usage_asked.is_wanted(world, request, form.row, client, options)
    if is_wanted and _is_followed(client, kwargs):
        request, args, kwargs = _asking(request, args, kwargs, options)
    now = world.wall()
    observation = form.world.observer.started(request, now)
    if observation is None:
        return None
    call = OpenCall(form, request, form.world, observation, now, args, kwargs)
    if STATE.world is world:
        return call
    call.withdraw()
    return None


def _is_followed(client: Any, kwargs: Any) -> bool:
    """Say whether our layer will see the chunks: not so in a subclass with its own ``__stream__``."""
    stream_cls = kwargs.get("stream_cls") or getattr(client, "_default_stream_cls", None)
    kind = get_origin(stream_cls) or stream_cls
    definer = next((base for base in getattr(kind, "__mro__", ()) if "__stream__" in base.__dict__), None)
    return definer is not None and LAYERS.is_laid_on(definer, "__stream__")


def _asking(request: Request, args: Any, kwargs: Any, options: Any) -> tuple[Request, Any, Any]:
    asking = usage_asked.with_usage(options)
    if len(args) > 1:
        args = (args[0], asking, *args[2:])
    else:
        kwargs = {**kwargs, "options": asking}
    return request._replace(usage_asked=True), args, kwargs
