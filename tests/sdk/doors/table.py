"""The table of doors: how each ends a stream, what is known of it then, and when it is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tests.sdk.capabilities import IS_HTTPX2
from tests.sdk.doors import awaited, blocking, cancelled

if TYPE_CHECKING:
    from tests.sdk.doors.apis import Api

Known = Literal["all", "tier", "nothing"]
When = Literal["at once", "by the loop", "queued"]
Service = Literal["answers", "errs", "drops", "holds", "is silent"]
BACKENDS: Final = ("sync", "asyncio", "trio")


class Record(NamedTuple):
    """What one record says, and when it comes."""

    ending: str
    outcome: str
    tokens: int | None
    when: str


@dataclass(frozen=True, slots=True)
class Row:
    """One door: functions of this name in ``blocking`` and ``awaited``, and what they leave behind."""

    door: str
    ending: str | None
    """The ending word; ``None``: nothing was sent, so there is no record."""
    known: Known = "all"
    """What had been seen of the reply: all of it, a first chunk (in chat that tells the tier), or nothing."""
    when: When = "at once"
    """``queued``: by a finalizer, and recorded at the next call, at ``uninstrument()`` or at exit."""
    service: Service = "answers"
    title: str = ""
    only: str = ""
    """The one backend that has this door, where its function does not tell."""

    @property
    def name(self) -> str:
        """What the door is called in tables and test ids."""
        return self.title or self.door.replace("_", " ")

    def function(self, backend: str) -> Any:
        """Return the door's function for a backend, or ``None`` where there is none."""
        if self.only not in {"", backend}:
            return None
        modules = (blocking,) if backend == "sync" else (awaited, cancelled)
        return next((getattr(module, self.door) for module in modules if hasattr(module, self.door)), None)

    def records(self, api: Api) -> list[Record]:
        """Return what each stream that leaves by this door must leave behind."""
        if self.ending is None:
            return []
        is_told = self.known == "all" or (self.known == "tier" and api.name == "chat")
        has_failed = self.ending == "error" or self.service == "is silent"
        outcome = "failed" if has_failed else "honored" if is_told else "unverified"
        return [Record(self.ending, outcome, api.tokens if self.known == "all" else None, self.when)]


ROWS: Final = (
    # read out
    Row("read_to_the_end", "complete"),
    Row("next_then_iterate", "complete"),
    Row("iterate_twice", "complete"),
    Row("two_iterators", "complete"),
    Row("tee", "complete"),
    Row("read_elsewhere", "complete", title="another thread or task"),
    Row("with_read_to_the_end", "complete"),
    Row("read_then_close", "complete"),
    # left by the application
    Row("close", "closed", "tier"),
    Row("close_twice", "closed", "tier"),
    Row("close_then_read", "closed", "tier", service="holds"),
    Row("close_unread", "closed", "nothing"),
    Row("with_break", "closed", "tier"),
    Row("with_error", "closed", "tier", title="exception in the with block"),
    Row("response_close", "closed", "tier", title="stream.response.close()"),
    Row("own_generator_closed", "closed", "tier"),
    # dropped
    Row("own_generator_in_a_cycle", "abandoned", "tier", "queued"),
    Row("break_then_drop", "abandoned", "tier", "queued"),
    Row("next_then_drop", "abandoned", "tier", "queued"),
    Row("never_iterated", "abandoned", "nothing", "queued"),
    Row("dropped_in_a_thread", "abandoned", "tier", "queued"),
    # helper managers
    Row("manager_read_out", "complete"),
    Row("manager_until_done", "complete"),
    Row("manager_left_early", "closed", "tier"),
    Row("manager_unread", "closed", "nothing"),
    Row("manager_with_error", "closed", "tier"),
    Row("manager_never_entered", None),
    Row("manager_never_left", "abandoned", "tier", "queued"),
    # raw
    Row("raw_parsed", "complete"),
    Row("raw_parsed_closed", "closed", "tier"),
    Row("raw_never_parsed", "abandoned", "nothing", "queued"),
    Row("raw_parsed_never_iterated", "abandoned", "nothing", "queued"),
    Row("raw_lines", "complete"),
    *(
        (  # httpx2 closes a body when the iterator over its lines is dropped, httpx does not
            Row("raw_lines_left_early", "closed", "tier", only="sync"),
            Row("raw_lines_left_early", "closed", "tier", "by the loop", only="asyncio"),
        )
        if IS_HTTPX2
        else (Row("raw_lines_left_early", "abandoned", "tier", "queued"),)
    ),
    Row("raw_closed", "closed", "nothing"),
    Row("streaming_lines", "complete"),
    Row("streaming_lines_left_early", "closed", "tier"),
    Row("streaming_bytes", "complete"),
    Row("streaming_read", "complete"),
    Row("streaming_parsed", "complete"),
    Row("streaming_parsed_left_early", "closed", "tier"),
    Row("streaming_unread", "closed", "nothing"),
    Row("streaming_with_error", "closed", "tier"),
    Row("own_class", "complete"),
    Row("own_class_closed", "closed", "tier"),
    Row("own_class_dropped", "abandoned", "tier", "queued"),
    # from outside
    Row("read_to_the_end", "error", "tier", service="errs", title="error event"),
    Row("read_to_the_end", "error", "tier", service="drops", title="server drops the connection"),
    Row("streaming_lines", "error", "tier", service="drops", title="server drops a raw reader"),
    Row("time_out", "error", "tier", service="holds", title="server falls silent"),
    Row("uninstrumented", "complete"),
    Row("uninstrumented_then_closed", "closed", "tier"),
    # cancelled
    Row("cancelled_before_the_response", "cancelled", "nothing", service="is silent"),
    Row("cancelled_in_mid_stream", "cancelled", "tier", service="holds"),
    Row("moved_on_in_mid_stream", "cancelled", "tier", service="holds"),
    Row("moved_on_among_raw_lines", "cancelled", "tier", service="holds"),
    Row("task_cancelled_before_the_response", "cancelled", "nothing", service="is silent", only="asyncio"),
    Row("task_cancelled_in_mid_stream", "cancelled", "tier", service="holds", only="asyncio"),
    Row("asyncio_timeout_in_mid_stream", "cancelled", "tier", service="holds", only="asyncio"),
)
