"""The guard: our fault is one log line and a count; an interrupt is the application's own."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierscope import guard

if TYPE_CHECKING:
    from collections.abc import Callable

OURS: Final = [ValueError("x"), KeyError("x"), RecursionError(), MemoryError(), AssertionError(), StopIteration(1)]
THEIRS: Final = [KeyboardInterrupt(), SystemExit(3), GeneratorExit(), asyncio.CancelledError()]


@pytest.fixture(autouse=True)
def in_production() -> None:
    """Catch, as in an application; the process-wide fixture lets errors through."""
    guard.reset(strict=False)


def raiser(exc: BaseException) -> Callable[[], str]:
    def step() -> str:
        raise exc

    return step


def isolated(step: str, function: Callable[[], str]) -> str | None:
    return guard.isolate(step, function)


def decorated(step: str, function: Callable[[], str]) -> str | None:
    return guard.guarded(step)(function)()


BOTH: Final = pytest.mark.parametrize("run", [isolated, decorated])


def named(exc: BaseException) -> str:
    return type(exc).__name__


@BOTH
@pytest.mark.parametrize("exc", OURS, ids=named)
def test_an_exception_becomes_none_and_a_count(
    run: Callable[[str, Callable[[], str]], str | None], exc: Exception
) -> None:
    assert run("read", raiser(exc)) is None
    assert guard.counts() == {"read": 1}


@BOTH
@pytest.mark.parametrize("exc", THEIRS, ids=named)
@pytest.mark.parametrize("strict", [True, False])
def test_an_interrupt_passes_uncounted(
    run: Callable[[str, Callable[[], str]], str | None], exc: BaseException, strict: bool
) -> None:
    """The same object, in production and in tests: it is no fault of ours and not ours to stop."""
    guard.reset(strict=strict)
    with pytest.raises(type(exc)) as caught:
        run("read", raiser(exc))
    assert caught.value is exc
    assert guard.counts() == {}


@BOTH
def test_strict_lets_our_own_errors_through(run: Callable[[str, Callable[[], str]], str | None]) -> None:
    """The same object, so that a test shows the line that is wrong."""
    guard.reset(strict=True)
    exc = ValueError("wrong")
    with pytest.raises(ValueError, match="wrong") as caught:
        run("read", raiser(exc))
    assert caught.value is exc


@BOTH
def test_a_step_logs_its_first_error_and_counts_all(
    run: Callable[[str, Callable[[], str]], str | None], caplog: pytest.LogCaptureFixture
) -> None:
    """One line with the traceback, that says the application goes on; afterwards silence."""
    first = ValueError("first")
    for exc in (first, KeyError("second"), ValueError("third")):
        run("read", raiser(exc))
    (line,) = caplog.records
    assert (line.name, line.levelno) == ("tierscope", logging.WARNING)
    assert "internal error in read (ValueError)" in line.getMessage()
    assert "The application is unaffected" in line.getMessage()
    assert line.exc_info is not None
    assert line.exc_info[1] is first
    assert guard.counts() == {"read": 3}


def test_each_step_has_a_line_and_a_count_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    for step in ("read", "emit", "read"):
        guard.isolate(step, raiser(ValueError()))
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == ["read", "emit"]
    assert guard.counts() == {"read": 2, "emit": 1}


def test_an_error_without_words_of_its_own_is_logged_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    """An exception whose text raises breaks neither the log line nor the application."""

    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError

    assert guard.isolate("read", raiser(Mute())) is None
    assert "internal error in read (Mute)" in caplog.text


@given(st.lists(st.sampled_from(["read", "emit", "end"]), max_size=50))
def test_counts_are_the_number_of_faults_by_step(steps: list[str]) -> None:
    """Whatever the order, and whether something was raised or only noted."""
    guard.reset()
    for place, step in enumerate(steps):
        if place % 2:
            guard.note(step, "full")
        else:
            guard.isolate(step, raiser(ValueError()))
    assert guard.counts() == {step: steps.count(step) for step in steps}


# ── what is not broken ────────────────────────────────────────────────────────────────────────────────────────────
def joined(first: str, *rest: str, mark: str = "-") -> str:
    """Join words."""
    return mark.join((first, *rest))


@pytest.mark.parametrize("strict", [True, False])
def test_a_function_that_works_is_called_once_with_its_arguments(strict: bool) -> None:
    """Result and arguments pass; nothing is counted."""
    guard.reset(strict=strict)
    assert guard.isolate("read", joined, "a", "b", mark="+") == "a+b"
    assert guard.guarded("read")(joined)("a", "b", mark="+") == "a+b"
    assert guard.counts() == {}


def test_a_guarded_function_is_still_itself() -> None:
    run = guard.guarded("read")(joined)
    assert (run.__name__, run.__doc__) == ("joined", "Join words.")


def test_a_wrong_call_of_a_guarded_function_is_our_fault_too() -> None:
    """What the SDK passes one day is not what was declared: caught, not the application's TypeError."""
    run: Callable[..., str | None] = guard.guarded("read")(joined)
    assert (run(), guard.counts()) == (None, {"read": 1})


def test_a_guarded_method_keeps_its_object() -> None:
    class Reader:
        name = "r"

        @guard.guarded("read")
        def read(self, chunk: str) -> str:
            return self.name + chunk

    assert Reader().read("1") == "r1"


# ── note, counts, reset ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("strict", [True, False])
def test_a_fault_that_raised_nothing_is_noted(strict: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A full queue: counted each time, told once, without a traceback, and never raised."""
    guard.reset(strict=strict)
    guard.note("ledger", "queue full")
    guard.note("ledger", "queue full")
    (line,) = caplog.records
    assert "internal error in ledger (queue full)" in line.getMessage()
    assert not line.exc_info
    assert guard.counts() == {"ledger": 2}


def test_counts_are_a_copy() -> None:
    """Who reads them cannot change them, and what he holds does not move."""
    guard.note("read", "x")
    before = guard.counts()
    guard.note("read", "x")
    assert (before, guard.counts()) == ({"read": 1}, {"read": 2})


def test_reset_forgets_counts_and_tells_the_next_fault_again(caplog: pytest.LogCaptureFixture) -> None:
    guard.note("read", "x")
    guard.reset()
    assert guard.counts() == {}
    guard.note("read", "x")
    assert len(caplog.records) == 2


def test_reset_ends_strictness() -> None:
    guard.reset(strict=True)
    guard.reset()
    assert guard.isolate("read", raiser(ValueError())) is None
