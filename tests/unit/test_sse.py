"""The scan of raw bytes: however the network cuts them, the same events come out."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from tests.unit import wire
from tierscope.reading import sse
from tierscope.reading.sse import MAX_EVENT, EventScan, Inflater, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STREAM: Final = (
    b': ping\n\nevent: message\nid: 1\ndata: {"a": 1}\n\n'
    b'data:{"b":\ndata: [2,\ndata: 3]}\n\nretry: 5\n\ndata: "no object"\n\ndata: {oops\n\n'
    b'data: {"c": "\xc3\xa9 \\r\\n"}\n\n\n\ndata: [DONE]\n\n'
)
EVENTS: Final = [{"a": 1}, {"b": [2, 3]}, {"c": "é \r\n"}]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Return the bytes in pieces, cut at these places; twice the same place makes an empty piece."""
    ends = sorted(min(place, len(data)) for place in places)
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


def scanned(*pieces: bytes) -> list[Any]:
    """Return the events of these pieces."""
    scan = EventScan()
    return [event for piece in pieces for event in scan.feed(piece)]


def of_the_sdk(data: bytes) -> Iterator[Any]:
    """Yield the JSON objects that the SDK's own decoder finds before ``[DONE]``."""
    for event in SSEDecoder().iter_bytes(iter([data])):
        if event.data.startswith("[DONE]"):
            return
        value = as_object(event.data.encode())
        if value is not None:
            yield value


places: Final = st.lists(st.integers(0, len(STREAM) * 2), max_size=40)
ends: Final = st.sampled_from([b"\n", b"\r\n", b"\r"])


# ── cutting ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_any_line_end_gives_the_same_events(end: bytes) -> None:
    """In one piece, and byte by byte."""
    data = STREAM.replace(b"\n", end)
    assert scanned(data) == EVENTS
    assert scanned(*(data[at : at + 1] for at in range(len(data)))) == EVENTS


@given(places, ends)
@example([STREAM.index(b'{"a": 1}') + 9] * 3, b"\r\n")
def test_any_cut_gives_the_same_events(where: list[int], end: bytes) -> None:
    """Empty pieces, which an inflater hands on, among them."""
    assert scanned(*cut(STREAM.replace(b"\n", end), where)) == EVENTS


def test_an_empty_piece_between_cr_and_lf_is_nothing() -> None:
    """The two are one line end, whatever comes between them."""
    assert scanned(b'data: {"a":\r', b"", b"\ndata: 1}\r", b"", b"", b"\n\r\n") == [{"a": 1}]


@given(
    st.lists(
        st.sampled_from([b"\n", b"\r", b"\r\n", b"data:", b"data", b" ", b":", b"{}", b'{"a":1}', b"x", b"\xff", b"1"]),
        max_size=30,
    ),
    places,
)
def test_any_bytes_give_what_they_give_uncut(parts: list[bytes], where: list[int]) -> None:
    data = b"".join(parts)
    assert scanned(*cut(data, where)) == scanned(data)


field: Final = st.sampled_from(
    [
        b'data: {"a": 1}',
        b'data:{"b": 2}',
        b"data: {",
        b"data: }",
        b"data: x",
        b": c",
        b"event: e",
        b"id: 7",
        b"retry: 9",
        b"odd",
    ]
)


@given(st.lists(st.lists(field, max_size=4), max_size=5), ends)
def test_the_scan_finds_what_the_sdk_finds(blocks: list[list[bytes]], end: bytes) -> None:
    """Fields in any order and number, comments and unknown ones among them."""
    data = b"".join(end.join([*block, b"", b""]) for block in blocks if block)
    assert scanned(data) == list(of_the_sdk(data))


def test_only_blanks_may_stand_before_the_data() -> None:
    assert scanned(b'data:X{"a": 1}\n\ndata:{"b": 2}\n\n') == [{"b": 2}]


def test_an_event_comes_with_the_piece_that_ends_it() -> None:
    """Not a piece later: the tier is told before the application goes on."""
    scan = EventScan()
    assert list(scan.feed(b'data: {"a": 1}\n')) == []
    assert list(scan.feed(b"\nda")) == [{"a": 1}]
    assert list(scan.feed(b'ta: {"b": 2}\r')) == []
    assert list(scan.feed(b"\r")) == [{"b": 2}]


@pytest.mark.parametrize(
    "data", [b'data: {"a": 1}', b'data: {"a": 1}\n', b'data: {"a":', b"data: [DONE]\n", b"", b"\n"]
)
def test_a_truncated_event_is_none(data: bytes) -> None:
    scan = EventScan()
    assert list(scan.feed(data)) == []
    assert scan.is_done is False


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────
@given(places, ends)
def test_done_ends_the_stream_once_it_is_whole(where: list[int], end: bytes) -> None:
    data = STREAM.replace(b"\n", end)
    scan = EventScan()
    for piece in cut(data[: -len(end)], where):
        list(scan.feed(piece))
        assert scan.is_done is False
    list(scan.feed(end))
    assert scan.is_done is True


@pytest.mark.parametrize("data", [b'data: {"a": "[DONE]"}\n\n', b": [DONE]\n\n", b"data: x[DONE]\n\n", b"[DONE]\n\n"])
def test_the_word_elsewhere_ends_nothing(data: bytes) -> None:
    scan = EventScan()
    list(scan.feed(data))
    assert scan.is_done is False


# ── size ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_event_of_ten_megabytes_is_read() -> None:
    text = "x" * 10_000_000
    data = b'data: {"a": "' + text.encode() + b'"}\n\n'
    assert scanned(*cut(data, range(0, len(data), 65_536))) == [{"a": text}]


TAIL: Final = b'data: {"service_tier": "default"}\n\n'
LIMIT: Final = 1000
HUGE: Final = [
    pytest.param(b'data: {"a": "' + b"x" * 2000 + b'"}\n\n', [], id="one-line"),
    pytest.param(b"data: {}\ndata: " + b" " * 2000 + b"\n\n", [], id="a-whole-object-and-a-huge-line"),
    pytest.param(b"data: " + b" " * 600 + b"{\ndata:" + b" " * 600 + b"\ndata: }\n\n", [], id="several-lines"),
    pytest.param(b": " + b"x" * 2000 + b"\n\n", [], id="comment"),
    pytest.param(b'data: {"a": 1}\n: ' + b"x" * 2000 + b"\n\n", [{"a": 1}], id="comment-inside"),
    pytest.param(b"x" * 700 + b"data: {}" + b"\n\n", [], id="the-word-inside-a-line"),
]


@pytest.mark.parametrize("step", [1, 7, 100, 300, 999, 10_000])
@pytest.mark.parametrize(("huge", "events"), HUGE)
def test_an_event_beyond_the_limit_is_skipped_and_no_other(
    huge: bytes, events: list[Any], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is cut; what comes before and behind it is read."""
    monkeypatch.setattr(sse, "MAX_EVENT", LIMIT)
    data = TAIL + huge + TAIL
    told = {"service_tier": "default"}
    assert scanned(*cut(data, range(step, len(data), step))) == [told, *events, told]


@pytest.mark.parametrize("step", [1, 300, 10_000])
@pytest.mark.parametrize("beyond", [[0, 1, 0, 1, 0], [1, 0, 1]], ids=["within-first", "beyond-first"])
def test_the_limit_is_met_exactly(beyond: list[int], step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of so many bytes is read, one of a byte more is not, whatever came before."""
    monkeypatch.setattr(sse, "MAX_EVENT", LIMIT)
    texts = ["x" * (LIMIT - len(b'data: {"a": ""}') + more) for more in beyond]
    data = b"".join(b'data: {"a": "%b"}\n\n' % text.encode() for text in texts)
    assert scanned(*cut(data, range(step, len(data), step))) == [{"a": min(texts)}] * beyond.count(0)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without an end, and data without a blank line, fill no memory."""
    monkeypatch.setattr(sse, "MAX_EVENT", LIMIT)
    scan = EventScan()
    for piece in (b"x" * 100, b"data: x\n" * 10):
        for _ in range(100):
            list(scan.feed(piece))
        assert len(scan._line) + sum(map(len, scan._data)) <= LIMIT + len(piece)


def test_the_limit_is_beyond_any_real_event() -> None:
    assert MAX_EVENT == 16 * 1024 * 1024


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"1", b"null", b'"x"', b'{"a": "\xff"}', b"{" * 10, b'{"a":' * 100_000]
)
def test_what_is_no_object_is_none(data: bytes) -> None:
    """Malformed, of another type, not UTF-8, nested without end."""
    assert as_object(data) is None


@given(st.dictionaries(st.text(max_size=3), wire.values, max_size=3))
def test_an_object_is_read_back(value: dict[str, Any]) -> None:
    assert repr(as_object(json.dumps(value).encode())) == repr(value)


# ── compression ───────────────────────────────────────────────────────────────────────────────────────────────────
ENCODINGS: Final = {
    "gzip": gzip.compress(STREAM, mtime=0),
    "x-gzip": gzip.compress(STREAM, mtime=0),
    "deflate": zlib.compress(STREAM),
}


@given(st.sampled_from(sorted(ENCODINGS)), places)
def test_compressed_bytes_cut_anywhere_give_the_same_events(encoding: str, where: list[int]) -> None:
    inflater = Inflater(encoding)
    pieces = [inflater.feed(piece) for piece in cut(ENCODINGS[encoding], where)]
    assert b"".join(pieces) == STREAM
    assert scanned(*pieces) == EVENTS
    assert inflater.is_known


@pytest.mark.parametrize("encoding", ["", "identity", "Identity ", " GZIP", "Deflate"])
def test_the_word_for_an_encoding_is_read_as_http_has_it(encoding: str) -> None:
    """Without regard to case and blanks; no word is no encoding."""
    packed = ENCODINGS.get(encoding.strip().lower(), STREAM)
    inflater = Inflater(encoding)
    assert (inflater.is_known, inflater.feed(packed)) == (True, STREAM)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "odd"])
def test_an_encoding_that_cannot_be_undone_is_unknown(encoding: str) -> None:
    inflater = Inflater(encoding)
    assert (inflater.is_known, inflater.feed(b"data: {}\n\n")) == (False, b"")


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_bytes_that_are_not_compressed_are_unknown_from_there_on(encoding: str) -> None:
    """Nothing is raised, and nothing is invented behind the break."""
    inflater = Inflater(encoding)
    assert (inflater.feed(b"no such bytes"), inflater.is_known) == (b"", False)
    assert inflater.feed(ENCODINGS[encoding]) == b""


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_a_wrong_checksum_is_found(encoding: str) -> None:
    inflater = Inflater(encoding)
    data = ENCODINGS[encoding]
    assert inflater.feed(data[:-4]) == STREAM
    assert inflater.feed(bytes(byte ^ 0xFF for byte in data[-4:])) == b""
    assert inflater.is_known is False


@given(st.sampled_from(sorted(ENCODINGS)), st.integers(0, 400))
def test_truncated_bytes_give_the_beginning(encoding: str, size: int) -> None:
    inflater = Inflater(encoding)
    assert STREAM.startswith(inflater.feed(ENCODINGS[encoding][:size]))
    assert inflater.is_known
