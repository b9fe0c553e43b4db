"""The tap on a stream: stamps of a clock that the test moves, and chunks whose kind it knows."""

from __future__ import annotations

from itertools import accumulate, islice, pairwise, zip_longest
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tierscope.model import Reply, Shape, Timing
from tierscope.reading.chat import ChatReader
from tierscope.stream import Tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tierscope.model import Failure, Usage
    from tierscope.stream import Reader

NOTHING, TOKEN, TEXT = 0, 1, 2
STARTED: Final = Timing(start_ns=1, end_ns=2, unix_ns=1, attempt_ns=3, headers_ns=4)


class Script:
    """A reader whose chunks are what they bring; a negative one cannot be read."""

    failure: Failure | None = None
    plain: type | None = None
    is_terminal = True
    tier_raw: str | None = None
    usage: Usage | None = None

    def __init__(self, *news: int) -> None:
        self.is_news = False
        self.seen = 0
        self.runs: list[tuple[int, object]] = []
        self._news = news

    def chunk(self, chunk: object) -> int:
        assert isinstance(chunk, int)
        if chunk < 0:
            raise ValueError(chunk)
        self.is_news = self.seen in self._news
        self.seen += 1
        return chunk

    def run(self, texts: int, last: object) -> None:
        self.runs.append((texts, last))

    def shape(self) -> Shape:
        return Shape()

    def reply(self, status: int | None = None) -> Reply:
        return Reply(status=status)


def clock(times: Sequence[int]) -> Callable[[], int]:
    """Return a clock that shows these times and breaks when it is asked once more."""
    return iter(times).__next__


def used(times: Sequence[int]) -> Callable[[], Callable[[], int]]:
    """Return a demand that reads such a clock when it begins, and each time it is asked."""
    cpu = clock(times)

    def begin() -> Callable[[], int]:
        start = cpu()
        return lambda: cpu() - start

    return begin


def nothing() -> Callable[[], int]:
    return lambda: 0


def never() -> int:
    pytest.fail("asked for a time that nobody needs")


def tapped(reader: Reader, clock: Callable[[], int] = never, demand: Any = nothing) -> Tap:
    """Return a tap whose headers came at 0."""
    return Tap(reader, clock, demand, 0)


def fed(tap: Tap, chunks: Sequence[object], times: Iterable[int] = ()) -> Tap:
    """Feed chunks that arrive at these times, or with the bytes that are there."""
    for chunk, arrived in zip_longest(chunks, islice(times, len(chunks))):
        if arrived is not None:
            tap.arrived = arrived
        tap.chunk(chunk)
    return tap


def stamps(tap: Tap) -> tuple[int | None, ...]:
    return (tap.first_event, tap.last_event, tap.first_token, tap.last_token, tap.first_text, tap.last_text)


STREAMS: Final = [
    pytest.param([], (None, None, None, None, None, None), id="nothing-came"),
    pytest.param([NOTHING, NOTHING], (0, 10, None, None, None, None), id="no-token"),
    pytest.param([TEXT], (0, 0, 0, 0, 0, 0), id="one-text"),
    pytest.param([TOKEN, TOKEN], (0, 10, 0, 10, None, None), id="reasoning-or-arguments-only"),
    pytest.param([NOTHING, TOKEN, TEXT, TEXT, TOKEN, NOTHING], (0, 50, 10, 40, 20, 30), id="all-kinds"),
    pytest.param([TEXT, TOKEN, TEXT], (0, 20, 0, 20, 0, 20), id="a-token-between-texts"),
]


@pytest.mark.parametrize(("chunks", "expected"), STREAMS)
def test_stamps_are_of_the_first_and_last_of_each_kind(chunks: list[int], expected: tuple[int | None, ...]) -> None:
    """A clock that shows 0 first: a stamp of 0 is a stamp."""
    tap = fed(tapped(Script()), chunks, range(0, 100, 10))
    assert (stamps(tap), tap.chunks) == (expected, len(chunks))


def _told(chunks: list[int], times: list[int], least: int) -> tuple[int | None, int | None]:
    """Return first and last time of the chunks that bring at least so much: the plain way."""
    found = [time for time, brought in zip(times, chunks, strict=True) if brought >= least]
    return (found[0], found[-1]) if found else (None, None)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from([NOTHING, TOKEN, TEXT]))), st.integers(0, 10**15))
def test_any_stream_is_stamped_as_a_list_of_its_chunks_would_be(events: list[tuple[int, int]], start: int) -> None:
    chunks = [brought for _, brought in events]
    times = [start + passed for passed in accumulate(gap for gap, _ in events)]
    tap = fed(tapped(Script()), chunks, times)
    assert stamps(tap) == (*_told(chunks, times, NOTHING), *_told(chunks, times, TOKEN), *_told(chunks, times, TEXT))
    assert tap.chunks == len(chunks)


# ── with the reader of chat streams ───────────────────────────────────────────────────────────────────────────────
def delta(**fields: object) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": fields}]}


PIECES: Final[dict[str, dict[str, Any]]] = {
    "role": delta(role="assistant", content=""),
    "text": delta(content="a word "),
    "refusal": delta(refusal="no"),
    "thought": delta(reasoning_content="hm"),
    "tool": delta(tool_calls=[{"index": 0, "function": {"arguments": "{"}}]),
    "usage": {"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
}
BRINGS: Final = {"role": NOTHING, "usage": NOTHING, "thought": TOKEN, "tool": TOKEN, "text": TEXT, "refusal": TEXT}


@given(st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from(sorted(PIECES)))))
@example([(1, "text"), (1, "thought"), (1, "text")])
@example([(1, "thought"), (1, "text"), (1, "thought")])
def test_a_chat_stream_is_stamped_and_shaped_as_its_list_of_pieces(events: list[tuple[int, str]]) -> None:
    """However the pieces follow one another: stamps, text deltas, tools, and what stood between two texts."""
    kinds = [kind for _, kind in events]
    chunks, times = [BRINGS[kind] for kind in kinds], list(accumulate(gap for gap, _ in events))
    tap = fed(tapped(ChatReader()), [PIECES[kind] for kind in kinds], times)
    assert stamps(tap) == (*_told(chunks, times, NOTHING), *_told(chunks, times, TOKEN), *_told(chunks, times, TEXT))
    texts = [place for place, brought in enumerate(chunks) if brought == TEXT]
    between = kinds[texts[0] : texts[-1]] if texts else []
    shape = tap.reader.shape()
    assert (shape.text_deltas, shape.has_tool_call, shape.has_other_delta) == (
        len(texts),
        "tool" in kinds,
        "thought" in between,
    )


@given(st.text(min_size=1), st.lists(st.integers(0, 50)))
def test_how_a_text_is_cut_into_deltas_changes_their_number_and_nothing_else(text: str, cuts: list[int]) -> None:
    """Empty pieces are no deltas; first and last text are the first and last piece that says something."""
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[left:right] for left, right in pairwise(edges)]
    times = list(range(100, 100 + len(pieces)))
    tap = fed(tapped(ChatReader()), [delta(content=piece) for piece in pieces], times)
    said = [time for time, piece in zip(times, pieces, strict=True) if piece]
    assert tap.reader.shape() == Shape(text_deltas=len(said), choices=1, messages=1)
    assert stamps(tap) == (times[0], times[-1], said[0], said[-1], said[0], said[-1])


# ── arrival, news, faults ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_chunk_that_came_with_earlier_bytes_arrived_with_them() -> None:
    """A slow reader takes three chunks of one network read at leisure: all three arrived at once."""
    tap = tapped(Script())
    fed(tap, [TEXT, TEXT, TEXT])
    tap.arrived = 70
    fed(tap, [TEXT])
    assert stamps(tap) == (0, 70, 0, 70, 0, 70)


def test_a_network_read_is_waited_for_and_its_chunks_arrive_at_its_end() -> None:
    tap = tapped(Script(), clock([30, 100]))
    tap.read(10)
    fed(tap, [NOTHING, TEXT])
    tap.read(95)
    fed(tap, [TEXT])
    assert (tap.waited, stamps(tap)) == (25, (30, 100, 30, 100, 30, 100))


@pytest.mark.parametrize("before", [[], [TEXT], [TOKEN]])
def test_a_plain_text_moves_the_last_stamps_with_its_own(before: list[int]) -> None:
    """The seam sets that one alone."""
    tap = fed(tapped(Script()), before, range(9))
    tap.last_text = 50
    assert (tap.last_event, tap.last_token) == (50, 50)
    assert tap.stamped(STARTED, 60, is_whole=True).last_token_ns == 50


def test_the_reader_is_told_of_plain_texts_once_and_before_another_chunk() -> None:
    """And of none where there were none."""
    reader = Script()
    tap = fed(tapped(reader), [TEXT])
    assert reader.runs == []
    tap.texts, tap.last = 3, "x"
    fed(tap, [NOTHING])
    tap.settle()
    assert (reader.runs, tap.texts, tap.last) == ([(3, "x")], 0, None)


def test_the_seam_hears_of_news_with_the_chunk_that_brings_it() -> None:
    """Before the chunk is handed on, and for that chunk alone."""
    tap = tapped(Script(0, 2))
    assert [tap.chunk(TEXT) for _ in range(4)] == [True, False, True, False]


def test_a_chunk_that_cannot_be_read_is_an_event_all_the_same() -> None:
    """Its fault is the guard's; stamps and counts stay true, and the next chunk is read."""
    tap = fed(tapped(Script()), [NOTHING], [5])
    tap.arrived = 6
    with pytest.raises(ValueError, match="-1"):
        tap.chunk(-1)
    fed(tap, [TEXT], [7])
    assert (stamps(tap), tap.chunks) == ((5, 7, 7, 7, 7, 7), 3)


# ── the window of the brake ───────────────────────────────────────────────────────────────────────────────────────
def test_the_window_runs_from_the_first_token_to_the_end() -> None:
    """What was waited for and computed before the first token is no part of it."""
    tap = tapped(Script(), demand=used([7_000, 7_040]))
    tap.waited = 90
    fed(tap, [NOTHING], [100])
    tap.waited = 180
    fed(tap, [TOKEN], [200])
    tap.waited = 250
    fed(tap, [TEXT, TOKEN], [300, 310])
    timing = tap.stamped(STARTED, 450, is_whole=True)
    assert timing == Timing(
        *(1, 2, 1, 3, 4),
        first_event_ns=100,
        first_token_ns=200,
        last_token_ns=310,
        first_text_ns=300,
        last_text_ns=300,
        window_ns=250,
        waited_ns=70,
        cpu_ns=40,
    )


@pytest.mark.parametrize(
    ("chunks", "quiet", "late"),
    [
        pytest.param([TEXT, TEXT], 190, 10, id="it had been there"),
        pytest.param([TEXT, TEXT], 230, 0, id="more came after it"),
        pytest.param([TEXT, TEXT], None, None, id="the system does not say"),
        pytest.param([TOKEN, TOKEN], 190, None, id="no text"),
    ],
)
def test_the_last_text_is_late_when_the_network_had_been_silent(
    chunks: list[int], quiet: int | None, late: int | None
) -> None:
    tap = fed(tapped(Script()), chunks, [100, 200])
    tap.quiet = quiet
    assert tap.stamped(STARTED, 450, is_whole=True).late_ns == late


@pytest.mark.parametrize(
    ("chunks", "is_whole"),
    [
        pytest.param([TEXT, TEXT], False, id="cut-or-seen-later"),
        pytest.param([NOTHING], True, id="no-token"),
        pytest.param([], True, id="nothing-came"),
    ],
)
def test_a_stream_that_was_not_read_out_has_stamps_and_no_window(chunks: list[int], is_whole: bool) -> None:
    """Of an abandoned stream nobody knows how long the application looked at it."""
    tap = fed(tapped(Script()), chunks, range(9))
    timing = tap.stamped(STARTED, 450, is_whole=is_whole)
    assert (timing.window_ns, timing.waited_ns, timing.cpu_ns) == (None, None, None)
    known = timing.first_event_ns, timing.first_text_ns, timing.last_text_ns
    assert known == (tap.first_event, tap.first_text, tap.last_text)
    assert timing[:5] == (1, 2, 1, 3, 4)


def test_the_cpu_clock_is_read_twice_a_stream_and_not_per_chunk() -> None:
    """A reading costs a system call: at the first token, and when the stream was read out."""
    tap = fed(tapped(Script(), demand=used([1, 4])), [NOTHING, *[TEXT] * 40], range(50))
    assert tap.chunks == 41
    assert tap.stamped(STARTED, 60, is_whole=False).cpu_ns is None
    assert tap.stamped(STARTED, 60, is_whole=True).cpu_ns == 3
