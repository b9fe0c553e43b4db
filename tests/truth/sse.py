"""Server-sent events, parsed as the WHATWG HTML standard says (section 9.2.6), and nothing more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_END: Final = re.compile(r"\r\n|\n|\r")
BLOCK: Final = re.compile(rb".*?(?>\r\n|\n|\r)(?>\r\n|\n|\r)+|.+\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Event:
    """One dispatched event."""

    name: str
    """``message`` unless an ``event:`` line named it."""
    data: str


def _field(line: str) -> tuple[str, str]:
    """Split a line at its first colon; one space after it does not belong to the value."""
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


def _dispatched(lines: list[str]) -> Iterator[Event]:
    """Yield the events; an event that no blank line ends is never dispatched, one without data is dropped."""
    name = ""
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Event(name or "message", "\n".join(data))
            name, data = "", []
            continue
        field, value = _field(line)
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value


def events(body: bytes) -> list[Event]:
    """Return the events of a complete or interrupted stream body."""
    text = body.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = LINE_END.split(text)
    return list(_dispatched(lines[:-1]))


def blocks(body: bytes) -> list[bytes]:
    """Cut a stream body after each blank line, so that the parts joined give back the body byte by byte."""
    return BLOCK.findall(body)
