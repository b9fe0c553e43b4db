"""What this process knows of background responses: who asked for what, and whose tokens were counted."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tierscope.model import Reply, Request
    from tierscope.seam.opencall import OpenCall

MAX_REMEMBERED: Final = 10_000


class Background:
    """The memory of one process, bounded."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, Request] = OrderedDict()
        self._counted: OrderedDict[str, weakref.ref[OpenCall]] = OrderedDict()
        self.forked()

    def forked(self) -> None:
        """Take a new lock: another thread of the parent may have held the old one."""
        self._lock = threading.Lock()

    def settled(self, request: Request, reply: Reply, call: OpenCall) -> tuple[Request, Reply]:
        """Return a fetch as it was asked for, and a reply whose tokens count once, of an old stored one never."""
        ident, is_fetch = reply.response_id, request.operation == "fetch_response"
        if ident is None or not (is_fetch or reply.is_background):
            return request, reply
        if is_fetch:
            request = _as_asked(request, self._asked.get(ident))
        elif not reply.is_terminal:
            self._remember(ident, request)
        is_new = reply.is_terminal and bool(reply.is_background) and self._count(ident, call)
        return request, reply if is_new else reply._replace(is_usage_new=False)

    def _remember(self, response_id: str, request: Request) -> None:
        """Keep the request of a queued response until its terminal state is fetched."""
        with self._lock:
            self._asked[response_id] = request
            if len(self._asked) > MAX_REMEMBERED:
                self._asked.popitem(last=False)

    def _count(self, response_id: str, call: OpenCall) -> bool:
        """Say whether the tokens of this response are this call's: of the first that asks, however often it does."""
        with self._lock:
            counted = self._counted.get(response_id)
            if counted is not None:
                return counted() is call
            self._counted[response_id] = weakref.ref(call)
            self._asked.pop(response_id, None)
            if len(self._counted) > MAX_REMEMBERED:
                self._counted.popitem(last=False)
            return True


def _as_asked(request: Request, asked: Request | None) -> Request:
    if asked is None:
        return request
    return request._replace(
        tier_raw=asked.tier_raw,
        tier_source=asked.tier_source,
        requested=asked.requested,
        expected=asked.expected,
        model=asked.model,
        is_background=True,
        window=asked.window,
    )
