"""A scan of raw server-sent events, for consumers that read lines or bytes and never build a ``Stream``."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENT: Final = 16 * 1024 * 1024
"""Bytes of one event (or of one JSON body) that are kept; a larger one is skipped, and what it said is unknown."""
_DATA: Final = b"data:"


class Inflater:
    """Undoes gzip and deflate as bytes come; other encodings are unknown, never an error."""

    def __init__(self, encoding: str) -> None:
        word = encoding.strip().lower()
        self._zlib = zlib.decompressobj(47) if word in {"gzip", "deflate", "x-gzip"} else None
        self.is_known = self._zlib is not None or word in {"", "identity"}

    def feed(self, data: bytes) -> bytes:
        """Return the plain bytes of this piece; empty once the encoding turned out not to be readable."""
        if not self.is_known:
            return b""
        if self._zlib is None:
            return data
        try:
            return self._zlib.decompress(data)
        except zlib.error:
            self.is_known = False
            return b""


class EventScan:
    """Splits bytes into events and decodes their JSON data; ``[DONE]`` ends the stream."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._cut = 0
        self._after_cr = False
        self.is_done = False

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the JSON object of each event that these bytes complete."""
        data = self._unix(data)
        self._line += data
        if b"\n" not in data:
            if len(self._line) > MAX_EVENT:  # the beginning says what kind of line it is, the rest only how long
                self._cut += len(self._line) - len(_DATA)
                del self._line[len(_DATA) :]
            return
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest)
        for line in lines:
            event = self._take(line)
            if event is not None:
                yield event

    def _unix(self, data: bytes) -> bytes:
        """Return the bytes with plain line ends; a CR LF pair may be cut in two by the network."""
        if not data:
            return data
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data

    def _take(self, line: bytes) -> dict[str, Any] | None:
        cut, self._cut = self._cut, 0
        if line.startswith(_DATA):
            self._size += len(line) + cut
            if self._size <= MAX_EVENT:
                self._data.append(line[len(_DATA) :].lstrip(b" "))
            else:
                self._data.clear()
            return None
        if line:
            return None
        data, self._data, self._size = b"\n".join(self._data), [], 0
        if not data:
            return None
        if data.startswith(b"[DONE]"):
            self.is_done = True
            return None
        return as_object(data)


def as_object(data: bytes | str) -> dict[str, Any] | None:
    """Return the JSON object in these bytes, or ``None`` for anything else."""
    try:
        value = json.loads(data)
    except ValueError:  # malformed JSON and bytes that are not UTF-8 alike
        return None
    except RecursionError:
        return None
    return value if isinstance(value, dict) else None
