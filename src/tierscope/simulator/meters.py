"""Sliding windows over scaled time: what ramp rate, scale entitlement and rate limits are counted with."""

import time
from collections import deque
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds since the start, times `scale`: at 60 a simulated minute passes each second."""

    epoch: float
    scale: float

    @staticmethod
    def started(scale: float) -> "Clock":
        """A clock that reads 0 now."""
        return Clock(time.monotonic(), scale)

    def now(self) -> float:
        """Simulated seconds since the start."""
        return (time.monotonic() - self.epoch) * self.scale

    def real(self, simulated: float) -> float:
        """Real seconds that so many simulated seconds take."""
        return simulated / self.scale


class Meter:
    """Amounts and when they were used; remembers `span` simulated seconds."""

    def __init__(self, span: float = MINUTE) -> None:
        self._span = span
        self._uses: deque[tuple[float, float]] = deque()

    def add(self, now: float, amount: float) -> None:
        """Notes a use."""
        self._uses.append((now, amount))

    def last_minute(self, now: float) -> float:
        """What the 60 simulated seconds up to now used."""
        return self.minutes(now, 1)[0]

    def minutes(self, now: float, count: int) -> list[float]:
        """What each of the last `count` minutes used, newest first."""
        while self._uses and self._uses[0][0] < now - self._span:
            self._uses.popleft()
        totals = [0.0] * count
        for at, amount in self._uses:
            age = int((now - at) // MINUTE)
            if age < count:
                totals[age] += amount
        return totals


class Ramp:
    """The ramp-rate limit of priority traffic in served input tokens per minute ('Priority processing' guide).

    The guide's rule of thumb (growth above 50 % in 15 minutes, from 1M input tokens per minute) is modelled as an
    allowance: the running minute may use the floor, or (1 + growth) times the slowest of the minutes before it.
    """

    def __init__(self, floor: float, growth: float, window: float) -> None:
        self._floor, self._growth = floor, growth
        self._minutes = max(1, round(window / MINUTE))
        self._meter = Meter(window + MINUTE)

    def admits(self, now: float, tokens: int) -> bool:
        """Whether the running minute has room for so many tokens more; if so they are counted."""
        current, *before = self._meter.minutes(now, self._minutes + 1)
        if current + tokens > max(self._floor, (1 + self._growth) * min(before)):
            return False
        self._meter.add(now, tokens)
        return True
