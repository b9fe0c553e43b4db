"""Words out, tokens in: how the simulator counts a prompt and what it says. Both are modelled."""

import itertools
import random
import re
from collections.abc import Iterator, Mapping

_MARK = re.compile(r"<<tokens:(\d+)>>")
_TEXT_KEYS = ("messages", "input", "prompt", "instructions", "content", "text", "arguments", "output")
_WORDS = re.findall(
    r"\w+",
    "the tier a reply was served at says more than the one it asked for and every token has its own time on the wire "
    "so we count what was sent when it was sent and never guess at what might have been while queues fill and drain",
)


def prompt_tokens(body: Mapping[str, object]) -> int:
    """Tokens of a request's prompt: each mark `<<tokens:N>>` counts N, all other text one token per four characters.

    The mark lets a test send a prompt of 130 000 tokens in twenty bytes. At least 1.
    """
    text = "".join(_texts({key: body.get(key) for key in _TEXT_KEYS[:4]}))
    marked = sum(int(n) for n in _MARK.findall(text))
    return max(1, marked + len(_MARK.sub("", text)) // 4)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for key in _TEXT_KEYS:
            yield from _texts(value.get(key))


def words(rng: random.Random, tokens: int, deltas: int | None = None) -> tuple[str, ...]:
    """Text of `tokens` one-word tokens, cut into `deltas` pieces (default: one token each)."""
    pieces = min(tokens, tokens if deltas is None else deltas)
    said = [_word(rng, index) for index in range(tokens)]
    cuts = [round(tokens * i / pieces) for i in range(pieces + 1)] if pieces else []
    return tuple("".join(said[a:b]) for a, b in itertools.pairwise(cuts))


def _word(rng: random.Random, index: int) -> str:
    word = rng.choice(_WORDS)
    return f" {word}" if index else word.capitalize()


def pieces(text: str, size: int = 4) -> tuple[str, ...]:
    """Arguments of a tool call as they are streamed: one token each, `size` characters long."""
    return tuple(text[i : i + size] for i in range(0, len(text), size))
