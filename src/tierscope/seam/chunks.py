"""The layer in ``Stream.__stream__``: parsed chunks pass through it unchanged, sync and async.

Its four loops run for every chunk of every stream, and are written out for that: a hop of Python costs as much as all
that an ordinary chunk needs, which is one more piece of text, a count and a stamp. All others take the long way through
``OpenCall.chunk`` (ADR 14).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from tierscope.reading.responses import TEXT_DELTA, ResponsesReader
from tierscope.seam.bodies import Handle, aclosed
from tierscope.seam.world import EXTENSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_UNLIKE: Final = (AttributeError, TypeError, ValueError)
"""What is raised where a field is missing, null or of another type: such a chunk is not plain."""


def handle_of(stream: Any) -> Handle | None:
    """Return the handle of a stream's response, or ``None`` for streams that are not ours."""
    extensions = getattr(stream.response, "extensions", None)
    handle = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return handle if isinstance(handle, Handle) and not handle.call.is_finished else None


def followed(stream: Any, inner: Any) -> Any:
    """Return the iterator that stands in for the SDK's own, or ``None`` for streams that are not ours."""
    handle = handle_of(stream)
    if handle is None:
        return None
    handle.outer = outer = follow(handle, inner)
    return outer


def follow(handle: Handle, inner: Any) -> Any:
    """Return an iterator that hands on every chunk of a stream, and records the call when it ends."""
    is_responses = isinstance(handle.tap.reader, ResponsesReader)
    if not hasattr(inner, "__anext__"):
        return _responses(handle, inner) if is_responses else _chat(handle, inner)
    return _started(_aresponses(handle, inner) if is_responses else _achat(handle, inner))


def _started(outer: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Start an async generator: nothing else passes a chunk on without a coroutine of its own.

    It is started here and without the hooks by which event loops finalize generators: when it is dropped it shall end
    at once, like a sync one, and leave the closing of what is below to the SDK's own (ADR 13).
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        outer.__anext__().send(None)  # type: ignore[attr-defined]
    except StopIteration:  # it has yielded
        pass
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return outer


class _Following:
    """Around a loop over the SDK's iterator: the call ends as the loop does."""

    __slots__ = ("_handle", "_inner")

    def __init__(self, handle: Handle, inner: Any) -> None:
        self._handle = handle
        self._inner = inner

    def __enter__(self) -> None:
        self._handle.inner, self._handle.call.is_parsed = self._inner, True

    def __exit__(self, _kind: object, exc: BaseException | None, _trace: object) -> None:
        self._handle.let_go()
        if exc is None:
            self._handle.call.finish("complete")
        else:
            self._handle.call.failed(exc)


async def _closed(handle: Handle, inner: Any) -> None:
    """Close what is below where somebody awaits `aclose()`; nobody does when the collector closes us."""
    if handle.is_pulled:
        await aclosed(inner)
        handle.call.finish("closed")


def _chat(handle: Handle, inner: Iterator[Any]) -> Iterator[Any]:
    call, tap, reader = handle.call, handle.tap, handle.tap.reader
    plain: Any = None
    known: str | None = None
    with _Following(handle, inner):
        for chunk in inner:
            if type(chunk) is plain:
                try:
                    (choice,) = chunk.choices
                    words, tier = choice.delta.content, chunk.service_tier
                except _UNLIKE:
                    words = tier = None
                if words and type(words) is str and (tier == known or tier is None):
                    tap.texts += 1
                    tap.last = chunk
                    tap.last_text = tap.arrived
                    yield chunk
                    continue
            is_ours = call.chunk(chunk)
            plain, known = reader.plain, reader.tier_raw
            if not is_ours:
                yield chunk


async def _achat(handle: Handle, inner: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield None  # to `_started`
    call, tap, reader = handle.call, handle.tap, handle.tap.reader
    plain: Any = None
    known: str | None = None
    with _Following(handle, inner):
        async for chunk in inner:
            try:
                if type(chunk) is plain:
                    try:
                        (choice,) = chunk.choices
                        words, tier = choice.delta.content, chunk.service_tier
                    except _UNLIKE:
                        words = tier = None
                    if words and type(words) is str and (tier == known or tier is None):
                        tap.texts += 1
                        tap.last = chunk
                        tap.last_text = tap.arrived
                        yield chunk
                        continue
                is_ours = call.chunk(chunk)
                plain, known = reader.plain, reader.tier_raw
                if not is_ours:
                    yield chunk
            except GeneratorExit:
                await _closed(handle, inner)
                raise


def _responses(handle: Handle, inner: Iterator[Any]) -> Iterator[Any]:
    call, tap, reader = handle.call, handle.tap, handle.tap.reader
    plain: Any = None
    with _Following(handle, inner):
        for event in inner:
            if type(event) is plain:
                try:
                    words, kind = event.delta, event.type
                except _UNLIKE:
                    words = kind = None
                if words and type(words) is str and kind == TEXT_DELTA:
                    tap.texts += 1
                    tap.last_text = tap.arrived
                    yield event
                    continue
            is_ours = call.chunk(event)
            plain = reader.plain
            if not is_ours:
                yield event


async def _aresponses(handle: Handle, inner: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield None  # to `_started`
    call, tap, reader = handle.call, handle.tap, handle.tap.reader
    plain: Any = None
    with _Following(handle, inner):
        async for event in inner:
            try:
                if type(event) is plain:
                    try:
                        words, kind = event.delta, event.type
                    except _UNLIKE:
                        words = kind = None
                    if words and type(words) is str and kind == TEXT_DELTA:
                        tap.texts += 1
                        tap.last_text = tap.arrived
                        yield event
                        continue
                is_ours = call.chunk(event)
                plain = reader.plain
                if not is_ours:
                    yield event
            except GeneratorExit:
                await _closed(handle, inner)
                raise
