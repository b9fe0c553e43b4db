"""The protocol between the seam and whoever listens: three moments of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from tierscope.model import Call, Headers, Request


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

    def is_suppressed(self) -> bool:
        """Say whether calls that begin now are to be left alone."""
        ...

    def batches(self, told: Call, records: tuple[Call, ...]) -> None:
        """Take the records of batches that came to their end, and the API call that told of them, itself no record."""
        ...


class Sink(Protocol):
    """Hears the end of calls, and nothing else: the ledger, ``testing.capture()``."""

    def ended(self, call: Call) -> None:
        """Take one finished call."""
        ...


class HttpAttempt(Protocol):
    """One attempt of a call, as the HTTP layer carries it out; told inside whatever span somebody made for it there."""

    @property
    def is_bare(self) -> bool:
        """Whether nobody has made an HTTP span for it yet, nor will further down."""
        ...

    def sent(self) -> None:
        """It is being sent: a connection is opened, or its headers are written."""
        ...

    def answered(self, headers: Headers) -> None:
        """The headers of its response are there."""
        ...


class HttpObserver(Protocol):
    """Observes the HTTP attempts below a call."""

    def attempt(self, library: str, number: int, requested: str) -> HttpAttempt:
        """Begin to observe an attempt through ``httpx`` or ``httpx2``; said where its request was built."""
        ...

    def instrumented(self, library: str) -> AbstractContextManager[bool]:
        """Instrument a library for the length of a block; yields whether it is, and not by the application itself."""
        ...
