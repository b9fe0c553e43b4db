"""The script: one request's orders to the simulator, sent as JSON in the header `x-sim-script`.

A script lets a test drive any case with a real client: `extra_headers={SCRIPT_HEADER: Script(served="default").json}`.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Literal

from tierscope.simulator.profile import TierOn

SCRIPT_HEADER = "x-sim-script"
Terminal = Literal["completed", "incomplete", "failed", "none"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call of the reply: `arguments` is a JSON text, streamed in pieces of four characters."""

    name: str = "get_weather"
    arguments: str = '{"location":"Tokyo"}'


@dataclass(frozen=True, slots=True)
class Script:
    """What shall happen to one request; what is left out the profile decides. Times are seconds, never scaled.

    *Tier:* `served` forces the raw tier sent (any text, `""` too), `cause` the cause the ledger notes beside it,
    `tier_on` where a stream names it.

    *Failure:* `status` answers with that status (plus `code`, `error_type`, `message`, `param`, else as documented for
    the status); with `fail_attempts` only the first so many attempts fail. The attempt is `x-stainless-retry-count`
    + 1, or counted under `id` where that header is absent. `retry_after_ms` and `should_retry` become `retry-after-ms`
    and `x-should-retry`. `drop_before` closes the connection instead of answering; `drop_after` and `error_after` close
    it, or send an error event, after that many text or tool deltas of a stream (0 = after the opening events).
    `error_alone` leaves out the `response.failed` that follows an error event.

    *Content:* `tokens` visible text tokens, `deltas` text deltas they are grouped into (default: one each),
    `reasoning_tokens` hidden ones before the text, `reasoning_deltas` streamed summary (Responses) or
    `reasoning_content` (chat, as compatible hosts) deltas, `tool_calls` calls after the text (and no text unless
    `tokens` says so), `refusal` sends the text as a refusal. `terminal` ends a reply `incomplete` (chat: `length`),
    `failed`, or without any end (`none`: no terminal event, no finish reason, no usage, no `[DONE]`).

    *Usage:* `usage` False leaves it out wherever it was due, `input_tokens`, `cached_tokens`, `cache_write_tokens`,
    `rejected_prediction_tokens`, and `output_tokens` (the reported total, where it shall differ from what was sent).

    *Time:* `header_delay` before anything is sent, `first_delay` from the request (or the end of its queueing) to the
    first token, `chunk_delay` from token to token (0 = as fast as possible).

    *Batches:* the few orders that their creation heeds are in `batches`.

    *Raw:* `raw_b64` is the body verbatim (base64), with `status`, `raw_type` and `raw_encoding` as its status,
    `content-type` and `content-encoding`; `raw_piece` is the size in bytes of the pieces written, `chunk_delay` apart,
    and `drop_after` counts those.
    `headers` are added to the reply's headers, the same name replacing ours.
    """

    id: str | None = None
    served: str | None = None
    cause: str | None = None
    tier_on: TierOn | None = None
    status: int | None = None
    code: str | None = None
    error_type: str | None = None
    message: str | None = None
    param: str | None = None
    fail_attempts: int | None = None
    retry_after_ms: int | None = None
    should_retry: bool | None = None
    drop_before: bool = False
    drop_after: int | None = None
    error_after: int | None = None
    error_alone: bool = False
    tokens: int | None = None
    deltas: int | None = None
    reasoning_tokens: int | None = None
    reasoning_deltas: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: bool = False
    terminal: Terminal | None = None
    usage: bool = True
    input_tokens: int | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    rejected_prediction_tokens: int = 0
    output_tokens: int | None = None
    header_delay: float | None = None
    first_delay: float | None = None
    chunk_delay: float | None = None
    raw_b64: str | None = None
    raw_type: str = "application/json"
    raw_encoding: str | None = None
    raw_piece: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """The header value: only what differs from the defaults."""
        empty = Script()
        given = {k: v for k, v in asdict(self).items() if v != getattr(empty, k)}
        return json.dumps(given, separators=(",", ":"))

    @property
    def raw(self) -> bytes | None:
        """The verbatim body, decoded from base64; `None` where the reply is made by the simulator."""
        return None if self.raw_b64 is None else base64.b64decode(self.raw_b64)

    def fails(self, attempt: int) -> bool:
        """Whether this attempt (1 = the first) gets the scripted failure status."""
        asked = self.raw_b64 is None and ((self.status or 200) >= 400 or self.drop_before)  # noqa: PLR2004  # HTTP's own
        return asked and (self.fail_attempts is None or attempt <= self.fail_attempts)


class ScriptError(ValueError):
    """A script that cannot be read: a test's typo must not pass as a default."""


def read_script(text: str | None) -> Script:
    """The script of a header value; unknown fields are refused."""
    if not text:
        return Script()
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ScriptError(f"{SCRIPT_HEADER}: {error}") from error
    unknown = set(given) - {f.name for f in fields(Script)}
    if unknown:
        raise ScriptError(f"{SCRIPT_HEADER}: unknown fields {sorted(unknown)}")
    given["tool_calls"] = tuple(ToolCall(**call) for call in given.get("tool_calls", ()))
    return Script(**given)
