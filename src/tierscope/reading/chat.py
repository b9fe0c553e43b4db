"""Chat completions and legacy completions: bodies and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope.model import Reply, Shape, Usage
from tierscope.reading import usage as usages
from tierscope.reading.errors import of_error
from tierscope.reading.fields import field, items, mapping, text, texts

if TYPE_CHECKING:
    from tierscope.model import Failure

NOTHING: Final = 0
TOKEN: Final = 1
TEXT: Final = 2
"""What one chunk brought: no token, a token that is not text (reasoning, tool arguments), or text."""

_TOOL_REASONS: Final = frozenset({"tool_calls", "function_call"})


def reply(body: object, status: int | None = None) -> Reply:
    """Read a chat or legacy completion."""
    fields = mapping(body)
    told = fields.get
    ident, model, fingerprint, tier = texts(told("id"), told("model"), told("system_fingerprint"), told("service_tier"))
    return Reply(
        status,
        ident,
        model,
        fingerprint,
        tier,
        tuple([text(choice, "finish_reason") for choice in items(fields, "choices")]),
        usage=usages.of_chat(told("usage")),
    )


class ChatReader:
    """Reads the chunks of one chat or legacy completion stream; the last non-null tier wins."""

    __slots__ = (
        "_fingerprint",
        "_finish",
        "_gap",
        "_id",
        "_model",
        "_others",
        "_texts",
        "_tools",
        "failure",
        "is_news",
        "plain",
        "tier_raw",
        "usage",
    )

    def __init__(self) -> None:
        self._id: str | None = None
        self._model: str | None = None
        self._fingerprint: str | None = None
        self._finish: dict[int, str | None] = {}
        self._texts = 0
        self._tools = False
        self._others = False
        self._gap = False
        self.plain: type | None = None
        """Class of the chunks that may be plain: known once a text came as the SDK's own object."""
        self.tier_raw: str | None = None
        self.usage: Usage | None = None
        self.failure: Failure | None = None
        self.is_news = False
        """Whether the last chunk told a tier or usage not known before."""

    is_terminal: bool = True

    def chunk(self, chunk: object) -> int:
        """Take one chunk; return ``NOTHING``, ``TOKEN`` or ``TEXT``."""
        self.is_news = False
        brought = self._take(chunk)
        self.plain = type(chunk) if brought == TEXT and type(chunk) is not dict else None
        return brought

    def run(self, texts: int, last: object) -> None:
        """Take a run of plain chunks: the last says beside its text what the others need not be asked for.

        Whether a chunk ends its choice, or calls a tool beside its text, the last ones of a stream tell too.
        """
        self._texts += texts - 1
        self._take(last)

    def _take(self, chunk: object) -> int:
        fields: dict[str, Any] | None = chunk if type(chunk) is dict else getattr(chunk, "__dict__", None)
        if not fields:
            return NOTHING
        tier = fields["service_tier"] if "service_tier" in fields else field(chunk, "service_tier")
        if tier and tier != self.tier_raw:
            self._tier(text(chunk, "service_tier"))
        if self._id is None:
            self._first(chunk)
        if fields.get("error") is not None:  # only raw readers see it: the SDK raises before it hands such a chunk on
            self.failure, self.is_news = of_error(fields["error"], status=None, requested="", refusals=()), True
        usage = fields.get("usage")
        if usage is not None:
            self.usage, self.is_news = usages.of_chat(usage) or self.usage, True
        choices = fields.get("choices")
        return self._choices(choices) if choices and type(choices) is list else NOTHING

    def _tier(self, word: str | None) -> None:
        if word and word != self.tier_raw:
            self.tier_raw, self.is_news = word, True

    def _first(self, chunk: object) -> None:
        self._id, self._model = text(chunk, "id"), text(chunk, "model") or self._model
        self._fingerprint = text(chunk, "system_fingerprint")

    def _choices(self, choices: list[Any]) -> int:
        brought = NOTHING
        for choice in choices:
            fields: dict[str, Any] | None = choice if type(choice) is dict else getattr(choice, "__dict__", None)
            if fields:
                brought = max(brought, self._choice(fields))
        return brought

    def _choice(self, choice: dict[str, Any]) -> int:
        index = choice.get("index")
        at = index if type(index) is int else 0
        if choice.get("finish_reason") or at not in self._finish:  # some hosts send "" on every chunk
            self._finish[at] = reason = text(choice, "finish_reason") or self._finish.get(at)
            self._tools = self._tools or reason in _TOOL_REASONS
        delta = choice.get("delta")
        if delta is None:
            return self._text(choice.get("text"))
        fields: dict[str, Any] | None = delta if type(delta) is dict else getattr(delta, "__dict__", None)
        return self._delta(fields, delta) if fields else NOTHING

    def _delta(self, fields: dict[str, Any], delta: object) -> int:
        words = fields.get("content") or fields.get("refusal")
        if fields.get("tool_calls") or fields.get("function_call"):
            self._tools = True
            return TOKEN
        if words:
            return self._text(words)
        if field(delta, "reasoning_content") or field(delta, "reasoning") or field(delta, "audio"):
            self._gap = self._texts > 0
            return TOKEN
        return NOTHING

    def _text(self, words: object) -> int:
        if not words or not isinstance(words, str):
            return NOTHING
        self._texts += 1
        self._others = self._gap  # which stays once it is
        return TEXT

    def shape(self) -> Shape:
        """Return what the stream was made of so far."""
        return Shape(
            text_deltas=self._texts,
            choices=len(self._finish),
            messages=min(len(self._finish), 1),
            has_tool_call=self._tools,
            has_other_delta=self._others,
        )

    def reply(self, status: int | None = None) -> Reply:
        """Return what is known of the reply so far."""
        reasons = tuple(self._finish[index] for index in sorted(self._finish))
        return Reply(
            status=status,
            response_id=self._id,
            model=self._model,
            fingerprint=self._fingerprint,
            tier_raw=self.tier_raw,
            finish_reasons=reasons,
            usage=self.usage,
            failure=self.failure,
        )
