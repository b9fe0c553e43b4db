"""How much of a processor this process used or had to wait for, from one moment to another."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SCHEDSTAT: Final = "/proc/thread-self/schedstat"
"""Linux: nanoseconds on a processor, nanoseconds ready to run and waiting for one, time slices."""


def demand() -> Callable[[], int]:
    """Return what tells, when it is called, the nanoseconds since now.

    CPU time alone misses a reader that is starved: in a container with a CPU limit, or beside busy neighbours, it never
    gets the share of a processor that would show. So the time for which the calling thread waited for one counts too,
    where the system tells it and the same thread asks again.
    """
    thread, cpu, starved = threading.get_ident(), time.process_time_ns(), _starved()

    def since() -> int:
        used = time.process_time_ns() - cpu
        return used + _starved() - starved if threading.get_ident() == thread else used

    return since


def _starved() -> int:
    """Return how long this thread has waited for a processor, in nanoseconds; 0 where nobody knows."""
    try:
        file = os.open(_SCHEDSTAT, os.O_RDONLY)
    except OSError:
        return 0
    try:
        return int(os.read(file, 64).split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    finally:
        os.close(file)
