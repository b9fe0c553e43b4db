"""The Responses API: bodies, streams, background and retrieved responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope.model import Reply, Shape, Usage
from tierscope.reading import usage as usages
from tierscope.reading.chat import NOTHING, TEXT, TOKEN
from tierscope.reading.errors import of_error
from tierscope.reading.fields import field, flag, mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tierscope.catalog import Refusal
    from tierscope.model import Failure

PENDING: Final = frozenset({"queued", "in_progress"})
TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
TEXT_DELTA: Final = "response.output_text.delta"
_TEXTS: Final = frozenset({TEXT_DELTA, "response.refusal.delta"})
_PLAIN_ITEMS: Final = frozenset({"reasoning", "compaction"})


def reply(body: object, status: int | None = None) -> Reply:
    """Read a Response object; a queued or running one is not terminal, its tier only an echo."""
    body = mapping(body)
    state = text(body, "status")
    reason = text(field(body, "incomplete_details"), "reason") or state
    error, diagnostics = body.get("error"), body.get("prompt_cache_diagnostics")
    has_failed = state == "failed" or (error is not None and state not in {"completed", "incomplete"})
    return Reply(
        status=status,
        response_id=text(body, "id"),
        model=text(body, "model"),
        tier_raw=text(body, "service_tier"),
        finish_reasons=(reason,) if reason and state not in PENDING else (),
        response_status=state,
        is_background=flag(body, "background"),
        is_terminal=state not in PENDING,
        usage=usages.of_responses(field(body, "usage")),
        cache_miss=None if diagnostics is None else usages.cache_miss(diagnostics),
        failure=of_error(error, status=None, requested="", refusals=()) if has_failed else None,
    )


class ResponsesReader:
    """Reads the events of one Responses stream; only a terminal event tells the served tier."""

    __slots__ = (
        "_early",
        "_final",
        "_gap",
        "_messages",
        "_others",
        "_refusals",
        "_requested",
        "_texts",
        "_tools",
        "failure",
        "is_news",
        "plain",
    )

    def __init__(self, requested: str = "", refusals: Iterable[Refusal] = ()) -> None:
        self._requested, self._refusals = requested, refusals
        self._early: Reply | None = None
        self._final: Reply | None = None
        self._messages = 0
        self._texts = 0
        self._tools = False
        self._others = False
        self._gap = False
        self.plain: type | None = None
        """Class of the events that may be plain: known once a text came as the SDK's own object."""
        self.failure: Failure | None = None
        self.is_news = False

    @property
    def is_terminal(self) -> bool:
        """Whether a terminal event has been read."""
        return self._final is not None

    @property
    def tier_raw(self) -> str | None:
        """The served tier, known only from the terminal event."""
        return self._final.tier_raw if self._final else None

    @property
    def usage(self) -> Usage | None:
        """The usage of the terminal event."""
        return self._final.usage if self._final else None

    def chunk(self, event: object) -> int:
        """Take one event; return ``NOTHING``, ``TOKEN`` or ``TEXT``."""
        fields: dict[str, Any] | None = event if type(event) is dict else getattr(event, "__dict__", None)
        self.is_news = False
        kind = fields.get("type") if fields else None
        if not fields or not isinstance(kind, str):
            return NOTHING
        if kind in _TEXTS:
            brought = self._text(fields.get("delta"))
            self.plain = type(event) if brought == TEXT and kind == TEXT_DELTA and type(event) is not dict else None
            return brought
        self.plain = None
        if kind.endswith(".delta"):
            return self._delta(kind, fields.get("delta"))
        self._event(kind, event)
        return NOTHING

    def run(self, texts: int, _last: object) -> None:
        """Take a run of plain events: each is a text delta and no more."""
        self._texts += texts

    def _text(self, words: object) -> int:
        if not words or not isinstance(words, str):
            return NOTHING
        self._texts += 1
        self._others = self._gap  # which stays once it is
        return TEXT

    def _delta(self, kind: str, words: object) -> int:
        self._gap = self._texts > 0
        if "reasoning" not in kind and "audio" not in kind:
            self._tools = True
        return TOKEN if words else NOTHING

    def _event(self, kind: str, event: object) -> None:
        if kind in TERMINAL:
            self._final, self.is_news = reply(field(event, "response")), True
            self.failure = self._final.failure
        elif kind == "response.output_item.added":
            self._item(text(field(event, "item"), "type"))
        elif kind == "error":
            error = field(event, "error") or event
            self.failure = of_error(error, status=None, requested=self._requested, refusals=self._refusals)
            self.is_news = True
        elif self._early is None and kind in {"response.created", "response.queued", "response.in_progress"}:
            self._early = reply(field(event, "response"))

    def _item(self, kind: str | None) -> None:
        if kind == "message":
            self._messages += 1
        elif kind is not None and kind not in _PLAIN_ITEMS:
            self._tools = True

    def shape(self) -> Shape:
        """Return what the stream was made of so far."""
        return Shape(
            text_deltas=self._texts,
            choices=1,
            messages=self._messages,
            has_tool_call=self._tools,
            has_other_delta=self._others,
        )

    def reply(self, status: int | None = None) -> Reply:
        """Return what is known of the reply so far; before the terminal event neither tier nor usage."""
        known = self._final or self._early
        return Reply(
            status=status,
            response_id=known.response_id if known else None,
            model=known.model if known else None,
            tier_raw=self.tier_raw,
            finish_reasons=self._final.finish_reasons if self._final else (),
            response_status=known.response_status if known else None,
            is_background=known.is_background if known else None,
            is_terminal=self.is_terminal,
            usage=self.usage,
            failure=self.failure,
            cache_miss=self._final.cache_miss if self._final else None,
        )
