"""The protocol between the seam and whoever listens: three moments of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType

    from tierscope.model import Call, Request


class Observation(Protocol):
    """One call under observation. As a context manager it is current while the SDK's ``request`` runs."""

    def __enter__(self) -> object:
        """Make the call current, so that child spans of the HTTP layer nest below it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the call; it may go on (a stream does)."""
        ...

    @property
    def is_curious(self) -> bool:
        """Whether it wants to hear ``learned`` at all; a snapshot costs some microseconds."""
        ...

    def learned(self, call: Call) -> None:
        """Tier, usage or failure became known: the call as far as it is, *before* the chunk is handed on."""
        ...

    def ended(self, call: Call) -> None:
        """The call is over; said once."""
        ...


class Observer(Protocol):
    """Opens an observation for each call."""

    def started(self, request: Request, unix_ns: int) -> Observation | None:
        """Begin to observe a call, or ``None`` when it is to be left alone (instrumentation suppressed)."""
        ...


class Sink(Protocol):
    """Hears the end of calls, and nothing else: the ledger, ``testing.capture()``."""

    def ended(self, call: Call) -> None:
        """Take one finished call."""
        ...
