"""Wires seam, telemetry and ledger together: one function in, one out, one state for every way to instrument."""

from __future__ import annotations

import atexit
import functools
import logging
import sys
import threading
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from tierscope import guard, seam
from tierscope.config import SettingError, Settings
from tierscope.forks import at_fork
from tierscope.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from tierscope.model import Call, Request
    from tierscope.observer import Observation, Observer, Sink
    from tierscope.policy import Policy
    from tierscope.seam.transports import Watch

log = logging.getLogger("tierscope")

INSTRUMENTS: Final = ("openai >= 1.40, < 4",)
"""What is instrumented; the extras ``instruments`` of the distribution say the same, and a test compares them."""
_SINCE: Final = (1, 40)
_BEFORE: Final = (4,)


class Fan:
    """One observer for the seam: one for the call's life, made with the first call, and sinks that hear its end."""

    def __init__(self, make: Callable[[], Observer]) -> None:
        self._make = make
        self._made: Observer | None = None
        self._observer: Observer | None = None
        """What was made, once this process has had its first call."""
        self.sinks: tuple[Sink, ...] = ()

    def started(self, request: Request, unix_ns: int) -> Observation | None:
        """Ask the observer; a call it leaves alone is left alone by all."""
        observer = self._observer or self.first()
        observation = observer.started(request, unix_ns)
        return observation if observation is None or not self.sinks else FanObservation(observation, self.sinks)

    def is_suppressed(self) -> bool:
        """Ask the observer."""
        return (self._observer or self.first()).is_suppressed()

    def batches(self, told: Call, records: tuple[Call, ...]) -> None:
        """Tell the observer of all at once, and the sinks of each."""
        guard.isolate("emit", (self._observer or self.first()).batches, told, records)
        for sink in self.sinks:
            for record in records:
                guard.isolate("sink", sink.ended, record)

    def first(self) -> Observer:
        """Get ready for the first call, which may fail before anybody is asked."""
        WIRING.be_first_at_exit()
        self._observer = self._made = made = self._made or self._make()
        return made

    def forked(self) -> None:
        """Wait for the first call of this process; what was made stays, for it may be on providers still to be set."""
        self._observer = None


class FanObservation:
    """The observer's observation, with the sinks behind it: one that fails silences no other."""

    __slots__ = ("_inner", "_sinks", "is_curious")

    def __init__(self, inner: Observation, sinks: tuple[Sink, ...]) -> None:
        self._inner = inner
        self._sinks = sinks
        self.is_curious = inner.is_curious

    def __enter__(self) -> object:
        return self._inner.__enter__()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._inner.__exit__(kind, exc, tb)

    def learned(self, call: Call) -> None:
        """Hand on what was learned."""
        self._inner.learned(call)

    def ended(self, call: Call) -> None:
        """Tell everyone, each for itself."""
        guard.isolate("emit", self._inner.ended, call)
        for sink in self._sinks:
            guard.isolate("sink", sink.ended, call)


OLD_DAYS: Final = 90
"""Age from which the price list is warned of."""


class Wiring:
    """What is wired in this process."""

    def __init__(self) -> None:
        self.fan: Fan | None = None
        self._ledgers: dict[str, Any] = {}
        self._flush_metrics: Callable[[], None] | None = None
        self._forked()
        at_fork(in_child=self._forked)
        atexit.register(self._exit)

    def _forked(self) -> None:
        self._lock, self._making = threading.Lock(), threading.Lock()
        if self.fan is not None:
            self.fan.forked()

    def be_first_at_exit(self) -> None:
        """Flush before the providers shut down, which are often set up later than we are: the last hook runs first."""
        atexit.unregister(self._exit)
        atexit.register(self._exit)

    def activate(
        self,
        settings: Settings | None = None,
        *,
        http: bool | None = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> bool:
        """Lay the seam; say whether Tierscope is active now. Never raises: what hinders it is one log line."""
        with self._lock:
            if self.fan is not None:
                log.warning("Tierscope: instrumented already; call uninstrument() first to change settings.")
                return True
            try:
                settings = settings or Settings.from_env()
                settings = settings if http is None else settings._replace(http=http)
                check(settings)
            except SettingError as error:
                log.error("Tierscope is off: %s", error)  # noqa: TRY400  the user's mistake needs no traceback
                return False
            if not settings.enabled or not _is_supported():
                return False
            guard.isolate("wiring", self._lay, settings, tracer_provider, meter_provider)
            return self.fan is not None

    def _lay(self, settings: Settings, tracers: TracerProvider | None, meters: MeterProvider | None) -> None:
        fan = Fan(functools.partial(self._observer, settings, tracers, meters))
        policy = None if settings.policy is None else _policy(settings.policy)
        if settings.ledger is not None:
            fan.sinks = (self._ledger(settings.ledger, settings, policy),)
        http = _http(tracers, meters) if settings.http else None
        seam.install(seam.World(observer=_watched(fan, policy), settings=settings, http=http, first=fan.first))
        self.fan = fan

    def _observer(self, settings: Settings, tracers: TracerProvider | None, meters: MeterProvider | None) -> Observer:
        """Make what emits: with the first call, when the application's providers are there, and not at every start."""
        from tierscope import emit  # noqa: PLC0415  see above

        with self._making:  # the SDK refuses a second set of instruments
            emitter = emit.emitter_for(
                tracers,
                meters,
                genai_metrics=settings.genai_metrics,
                version=VERSION,
                catalog=settings.catalog,
                policy=None if settings.policy is None else _policy(settings.policy),
                service=settings.service,
            )
        self._flush_metrics = emit.flush
        if settings.ledger is not None:
            self._ledgers[settings.ledger].service = emitter.service
        guard.isolate("catalog", _say_if_old)
        if settings.ledger is None and not emitter.is_heard:
            log.info(
                "Tierscope: no OpenTelemetry provider is configured and no TIERSCOPE_LEDGER set; nothing is exported."
            )
        return emitter

    def _ledger(self, path: str, settings: Settings, policy: Policy | None) -> Sink:
        from tierscope.ledger import Keep, LedgerSink  # noqa: PLC0415  sqlite3 only where a ledger is wanted

        if path not in self._ledgers:
            self._ledgers[path] = LedgerSink(path)
        sink: LedgerSink = self._ledgers[path]
        sink.catalog, sink.policy = settings.catalog, policy
        sink.keep = Keep(settings.ledger_max_rows, settings.ledger_max_days)
        return sink

    def deactivate(self) -> None:
        """Take the seam off and write what is queued; streams that are open finish normally."""
        with self._lock:
            seam.remove()
            self.fan = None
            self.flush()

    def _exit(self) -> None:
        guard.isolate("drain", seam.abandon)
        self.flush()

    def flush(self) -> None:
        """Record dropped streams and all that waits, and write the ledger out: at exit, and at ``uninstrument()``."""
        guard.isolate("drain", seam.drain)
        if self._flush_metrics is not None:
            guard.isolate("metrics", self._flush_metrics)
        for ledger in self._ledgers.values():
            guard.isolate("ledger", ledger.flush)


def _say_if_old() -> None:
    """Say once that prices are looked up in an old list; the calls are priced all the same."""
    from tierscope.catalog import prices  # noqa: PLC0415  with the first call

    days = int(prices.age_s(time.time()) // 86_400)
    if days > OLD_DAYS:
        log.warning(
            "Tierscope: the price list is %d days old (%s): upgrade tierscope, or lay newer rows over it with "
            "TIERSCOPE_CATALOG.",
            days,
            prices.rates().as_of,
        )


def _http(tracers: TracerProvider | None, meters: MeterProvider | None) -> Watch | None:
    from tierscope.emit import http  # noqa: PLC0415  only where HTTP spans are wanted
    from tierscope.seam.transports import Watch  # noqa: PLC0415

    observer = http.observer_for(tracers, meters)
    return None if observer is None else Watch(observer)


def _policy(path: str) -> Policy:
    from tierscope import policy  # noqa: PLC0415  only where there is one

    try:
        return policy.load(path)
    except policy.PolicyError as error:
        raise SettingError("TIERSCOPE_POLICY", path, str(error)) from None


def _watched(fan: Fan, policy: Policy | None) -> Observer:
    """Return who observes calls; where a policy asks for it, what is around them too."""
    if policy is None or not policy.ambient:
        return fan
    from tierscope.emit.ambient import Ambient  # noqa: PLC0415  only where a rule asks for it

    return Ambient(fan, policy.ambient)


def check(settings: Settings) -> None:
    """Refuse what the settings alone cannot: a file of the catalog's, a policy, or a provider nobody knows.

    Raises:
        SettingError: a file cannot be used, or a trusted host is given the rules of nobody.

    """
    if settings.policy is not None:
        _policy(settings.policy)
    named = {host: name for host, name in settings.trusted_hosts.items() if name is not None}
    if not named and settings.catalog is None:
        return
    from tierscope import catalog  # noqa: PLC0415  only where a file or rows are named

    try:
        known = catalog.load(settings.catalog).providers
    except catalog.CatalogError as error:
        raise SettingError("TIERSCOPE_CATALOG", str(settings.catalog), str(error)) from None
    for host, name in named.items():
        if name not in known:
            raise SettingError("TIERSCOPE_TRUSTED_HOSTS", f"{host}={name}", f"use one of {', '.join(sorted(known))}")


def _is_supported() -> bool:
    """Say whether the installed openai can be instrumented; a missing one may still come."""
    try:
        version = getattr(sys.modules.get("openai"), "__version__", None) or metadata.version("openai")
    except metadata.PackageNotFoundError:
        log.info("Tierscope: openai is not installed; there is nothing to instrument.")
        return False
    if supports(version):
        return True
    log.error("Tierscope is off: openai %s is installed, supported is %s.", version, INSTRUMENTS[0])
    return False


def supports(version: str) -> bool:
    """Say whether this version of openai can be instrumented."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return _SINCE <= numbers < _BEFORE


WIRING: Final = Wiring()
