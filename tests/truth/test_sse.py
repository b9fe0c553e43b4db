import pytest

from .sse import Event, blocks, events


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"data: a\n\n", [Event("message", "a")], id="plain"),
        pytest.param(b"data:a\n\n", [Event("message", "a")], id="no-space"),
        pytest.param(b"data:  a\n\n", [Event("message", " a")], id="one-space-only"),
        pytest.param(b"data: a\ndata: b\n\n", [Event("message", "a\nb")], id="joined"),
        pytest.param(b"event: error\r\ndata: a\r\n\r\n", [Event("error", "a")], id="crlf"),
        pytest.param(b"data: a\r\rdata: b\r\r", [Event("message", "a"), Event("message", "b")], id="cr"),
        pytest.param(b": keep-alive\n\ndata: a\n\n", [Event("message", "a")], id="comment"),
        pytest.param(b"event: x\n\ndata: a\n\n", [Event("message", "a")], id="name-without-data"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [Event("message", "a")], id="byte-order-mark"),
        pytest.param(b"id: 1\nretry: 5\ndata\n\n", [Event("message", "")], id="field-without-colon"),
        pytest.param(b"data: a\n\ndata: b\n", [Event("message", "a")], id="cut-before-the-blank-line"),
        pytest.param(b"data: a\n\ndata: b", [Event("message", "a")], id="cut-in-a-line"),
        pytest.param("data: a\u2028b\n\n".encode(), [Event("message", "a\u2028b")], id="not-a-line-end"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_events_follow_the_standard(body: bytes, expected: list[Event]) -> None:
    """A stream is cut into events as the HTML standard says, at CR, LF and CRLF alone."""
    assert events(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", [b"data: a\n\n", b"data: b\n\n"], id="lf"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [b"data: a\r\n\r\n", b"data: b\r\n\r\n"], id="crlf"),
        pytest.param(b"data: a\n\n\n\ndata: b", [b"data: a\n\n\n\n", b"data: b"], id="rest"),
        pytest.param(b"event: x\r\ndata: a\r\n\r\n", [b"event: x\r\ndata: a\r\n\r\n"], id="two-lines"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_blocks_cut_after_blank_lines(body: bytes, expected: list[bytes]) -> None:
    """A stream is cut after each blank line and at no other place."""
    assert blocks(body) == expected
