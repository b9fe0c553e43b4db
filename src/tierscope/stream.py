"""The tap on one stream: stamps, shape, and what its chunks told. Pure; the seam feeds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tierscope.reading.chat import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.model import Failure, Reply, Shape, Timing, Usage


class Reader(Protocol):
    """Reads the chunks of one endpoint family."""

    is_news: bool
    """Whether the last chunk told a tier, usage or failure not known before."""
    plain: type | None
    """Class of the chunks that may be plain: one more text, and no news."""
    failure: Failure | None

    @property
    def is_terminal(self) -> bool:
        """Whether the last word about the tier has been said."""
        ...

    @property
    def tier_raw(self) -> str | None:
        """The served tier so far."""
        ...

    @property
    def usage(self) -> Usage | None:
        """The usage so far."""
        ...

    def chunk(self, chunk: object) -> int:
        """Take one chunk; return ``NOTHING``, ``TOKEN`` or ``TEXT``."""
        ...

    def run(self, texts: int, last: object) -> None:
        """Take the plain chunks that came since the last other one: how many, and the last of them."""
        ...

    def shape(self) -> Shape:
        """Return what the stream was made of so far."""
        ...

    def reply(self, status: int | None = None) -> Reply:
        """Return what is known of the reply so far."""
        ...


class Tap:
    """Stamps the chunks of one stream as they pass. Nothing is recorded per chunk.

    The seam puts plain chunks (``Reader.plain``) into ``texts``, ``last`` and ``last_text`` itself; the other last
    stamps are never behind that one.
    """

    __slots__ = (
        "_base_waited",
        "_demand",
        "_demanded",
        "_last_event",
        "_last_token",
        "arrived",
        "chunks",
        "clock",
        "first_event",
        "first_text",
        "first_token",
        "last",
        "last_text",
        "quiet",
        "reader",
        "texts",
        "waited",
    )

    def __init__(
        self, reader: Reader, clock: Callable[[], int], demand: Callable[[], Callable[[], int]], arrived: int
    ) -> None:
        """Make the tap of one stream.

        Args:
            reader: reads its chunks.
            clock: monotonic nanoseconds.
            demand: asked at the first token for what tells at the end how much of a processor the process demanded.
            arrived: when the headers came, and with them what is in memory already.

        """
        self.reader = reader
        self.clock = clock
        self._demand = demand
        self._demanded: Callable[[], int] | None = None
        self.arrived = arrived
        """When the network read ended that brought the last bytes: a chunk's time is its arrival, not its parsing."""
        self.chunks = 0
        """Chunks that were not plain; the first of a stream never is."""
        self.texts = 0
        """Plain chunks that the reader has not been told of."""
        self.last: object = None
        """The last of them, where it may say more than its text."""
        self.quiet: int | None = None
        """When the network last brought anything, by the system's word at the end of the body."""
        self.waited = 0
        self._base_waited = 0
        self.first_event: int | None = None
        self._last_event: int | None = None
        self.first_token: int | None = None
        self._last_token: int | None = None
        self.first_text: int | None = None
        self.last_text: int | None = None

    @property
    def last_event(self) -> int | None:
        """When the last chunk came."""
        return _later(self._last_event, self.last_text)

    @property
    def last_token(self) -> int | None:
        """When the last token of any kind came."""
        return _later(self._last_token, self.last_text)

    def read(self, since: int) -> None:
        """Note one network read that began at ``since`` and has just ended."""
        self.arrived = now = self.clock()
        self.waited += now - since

    def chunk(self, chunk: object) -> bool:
        """Take one chunk before it is handed on; return whether it told a tier, usage or failure."""
        self.settle()
        now = self.arrived
        if self.first_event is None:
            self.first_event = now
        self._last_event = now
        self.chunks += 1
        brought = self.reader.chunk(chunk)
        if brought:
            if self.first_token is None:
                self._first(now)
            self._last_token = now
            if brought == TEXT:
                self.last_text = now
                if self.first_text is None:
                    self.first_text = now
        return self.reader.is_news

    def settle(self) -> None:
        """Tell the reader of the plain chunks: before any other, and before it is asked."""
        if self.texts:
            texts, last, self.texts, self.last = self.texts, self.last, 0, None
            self.reader.run(texts, last)

    def _first(self, now: int) -> None:
        self.first_token = now
        self._base_waited = self.waited
        self._demanded = self._demand()

    def stamped(self, timing: Timing, now: int, *, is_whole: bool) -> Timing:
        """Return the timing with this stream's stamps; the window of the brake only for one read out just now."""
        first = self.first_token
        stamped = timing._replace(
            first_event_ns=self.first_event,
            first_token_ns=first,
            last_token_ns=self.last_token,
            first_text_ns=self.first_text,
            last_text_ns=self.last_text,
        )
        if first is None or not is_whole:
            return stamped
        return stamped._replace(
            window_ns=now - first,
            waited_ns=self.waited - self._base_waited,
            cpu_ns=self._demanded() if self._demanded is not None else None,
            late_ns=self._late(),
        )

    def _late(self) -> int | None:
        if self.quiet is None or self.last_text is None:
            return None
        return max(self.last_text - self.quiet, 0)


def _later(one: int | None, other: int | None) -> int | None:
    return other if one is None or (other is not None and other > one) else one
