"""The doors of the sync client: each opens a stream, leaves it, and returns what the application saw of it."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.sdk.doors.apis import OwnStream

import tierscope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sdk.doors.apis import At


class UsersError(Exception):
    """What the application itself raises inside a ``with`` block."""


# ── read out ──────────────────────────────────────────────────────────────────────────────────────────────────────
def read_to_the_end(at: At) -> Any:
    return list(at.stream())


def next_then_iterate(at: At) -> Any:
    stream = at.stream()
    return [next(stream), *stream]


def iterate_twice(at: At) -> Any:
    stream = at.stream()
    return [*stream], [*stream]


def two_iterators(at: At) -> Any:
    stream = at.stream()
    one, two = iter(stream), iter(stream)
    return [next(one), next(two), *one, *two]


def tee(at: At) -> Any:
    one, two = itertools.tee(at.stream())
    return [*zip(one, two, strict=True)]


def read_elsewhere(at: At) -> Any:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(list, at.stream()).result()


def with_read_to_the_end(at: At) -> Any:
    with at.stream() as stream:
        return list(stream)


def read_then_close(at: At) -> Any:
    stream = at.stream()
    seen = list(stream)
    stream.close()
    return seen


# ── left by the application ───────────────────────────────────────────────────────────────────────────────────────
def close(at: At) -> Any:
    stream = at.stream()
    seen = next(stream)
    stream.close()
    return seen


def close_twice(at: At) -> Any:
    stream = at.stream()
    seen = next(stream)
    stream.close()
    stream.close()
    return seen


def close_then_read(at: At) -> Any:
    stream = at.stream()
    next(stream), next(stream)
    stream.close()
    return list(stream)


def close_unread(at: At) -> Any:
    at.stream().close()


def with_break(at: At) -> Any:
    with at.stream() as stream:
        for chunk in stream:
            return chunk
    raise AssertionError("an empty stream")


def with_error(at: At) -> Any:
    with at.stream() as stream:
        next(stream)
        raise UsersError


def response_close(at: At) -> Any:
    stream = at.stream()
    seen = next(stream)
    stream.response.close()
    return seen


def _words(at: At) -> Iterator[Any]:
    with at.stream() as stream:
        yield from stream


def own_generator_closed(at: At) -> Any:
    words = _words(at)
    seen = next(words)
    words.close()
    return seen


def own_generator_in_a_cycle(at: At) -> Any:
    words = _words(at)
    cycle: list[Any] = [words]
    cycle.append(cycle)
    return next(words)


# ── dropped ───────────────────────────────────────────────────────────────────────────────────────────────────────
def break_then_drop(at: At) -> Any:
    for chunk in at.stream():
        return chunk
    raise AssertionError("an empty stream")


def next_then_drop(at: At) -> Any:
    return next(at.stream())


def never_iterated(at: At) -> Any:
    at.stream()


def dropped_in_a_thread(at: At) -> Any:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(next_then_drop, at).result()


# ── helper managers ───────────────────────────────────────────────────────────────────────────────────────────────
def manager_read_out(at: At) -> Any:
    with at.manager() as stream:
        return list(stream)


def manager_until_done(at: At) -> Any:
    with at.manager() as stream:
        stream.until_done()


def manager_left_early(at: At) -> Any:
    with at.manager() as stream:
        for event in stream:
            return event
    raise AssertionError("an empty stream")


def manager_unread(at: At) -> Any:
    with at.manager():
        pass


def manager_with_error(at: At) -> Any:
    with at.manager() as stream:
        next(stream)
        raise UsersError


def manager_never_entered(at: At) -> Any:
    at.manager()


def manager_never_left(at: At) -> Any:
    return next(at.manager().__enter__())


# ── raw ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def raw_parsed(at: At) -> Any:
    return list(at.raw().parse())


def raw_parsed_closed(at: At) -> Any:
    stream = at.raw().parse()
    seen = next(stream)
    stream.close()
    return seen


def raw_never_parsed(at: At) -> Any:
    at.raw()


def raw_parsed_never_iterated(at: At) -> Any:
    at.raw().parse()


def raw_lines(at: At) -> Any:
    return list(at.raw().http_response.iter_lines())


def raw_lines_left_early(at: At) -> Any:
    return next(at.raw().http_response.iter_lines())


def raw_closed(at: At) -> Any:
    at.raw().http_response.close()


def streaming_lines(at: At) -> Any:
    with at.streaming() as response:
        return list(response.iter_lines())


def streaming_lines_left_early(at: At) -> Any:
    with at.streaming() as response:
        return next(response.iter_lines())


def streaming_bytes(at: At) -> Any:
    with at.streaming() as response:
        return b"".join(response.iter_bytes())


def streaming_read(at: At) -> Any:
    with at.streaming() as response:
        return response.read()


def streaming_parsed(at: At) -> Any:
    with at.streaming() as response:
        return list(response.parse())


def streaming_parsed_left_early(at: At) -> Any:
    with at.streaming() as response:
        return next(response.parse())


def streaming_unread(at: At) -> Any:
    with at.streaming():
        pass


def streaming_with_error(at: At) -> Any:
    with at.streaming() as response:
        next(response.iter_lines())
        raise UsersError


def own_class(at: At) -> Any:
    return list(at.own(OwnStream))


def own_class_closed(at: At) -> Any:
    stream = at.own(OwnStream)
    seen = next(stream)
    stream.close()
    return seen


def own_class_dropped(at: At) -> Any:
    return next(at.own(OwnStream))


# ── from outside ──────────────────────────────────────────────────────────────────────────────────────────────────
def time_out(at: At) -> Any:
    stream = at.stream()
    stream.response.request.extensions["timeout"]["read"] = 0.02
    return list(stream)


def uninstrumented(at: At) -> Any:
    stream = at.stream()
    seen = next(stream)
    tierscope.uninstrument()
    return [seen, *stream]


def uninstrumented_then_closed(at: At) -> Any:
    stream = at.stream()
    seen = next(stream)
    tierscope.uninstrument()
    stream.close()
    return seen
