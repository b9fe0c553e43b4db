"""Laying our layers on the SDK's classes when openai is imported, gated by what is there, and taking them off again.

What is laid is read from the classes themselves, for other packages wrap, put back and plant methods there as well.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.forks import at_fork
from tierscope.guard import guarded
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.machinery import ModuleSpec
    from types import ModuleType

log = logging.getLogger("tierscope")

CLIENT: Final = "openai._base_client"
STREAMING: Final = "openai._streaming"


class Patch(NamedTuple):
    """One patched method: where it is, and what makes our layer of it."""

    module: str
    owner: str
    name: str
    layer: Callable[[Any], Any]

    @property
    def place(self) -> str:
        """The class and its method."""
        return f"{self.owner}.{self.name}"


class Layers:
    """Our own layers on the SDK's classes, so that only these are ever taken off."""

    def __init__(self, patches: tuple[Patch, ...], *, is_optional: bool = False) -> None:
        """Take what is to be laid; optional patches are those that older versions lack, and nobody misses there."""
        self._patches = patches
        self._is_optional = is_optional
        self._owners: dict[Patch, type] = {}
        self._made: list[Any] = []
        """Every layer so far; one whose method comes back is laid again, not made anew."""
        self._missed: set[Patch] = set()
        self._forked()
        at_fork(in_child=self._forked)

    def _forked(self) -> None:
        self._lock = threading.RLock()

    @guarded("patch")
    def lay(self, module: ModuleType) -> None:
        """Lay every patch of this module that is not there yet."""
        with self._lock:
            if STATE.world is None:
                return
            for patch in self._patches:
                if patch.module == module.__name__:
                    self._lay_one(module, patch)

    def lay_again(self) -> None:
        """Lay every patch, in the modules that are loaded."""
        for name in dict.fromkeys(patch.module for patch in self._patches):
            module = _loaded(name)
            if module is not None:
                self.lay(module)

    def _lay_one(self, module: ModuleType, patch: Patch) -> None:
        owner = _owner(module, patch)
        if owner is None:
            if patch not in self._missed and not self._is_optional:
                self._missed.add(patch)
                package = patch.module.partition(".")[0]
                log.warning(
                    "Tierscope: %s is not in this version of %s; what it tells stays unknown.", patch.place, package
                )
            return
        self._owners[patch] = owner
        bare = _bare(owner.__dict__[patch.name])
        for kind in _family(owner):
            method = kind.__dict__.get(patch.name)
            if method is not None and _bare(method) is bare and not self._is_in(method):
                setattr(kind, patch.name, self._layer(patch, method))

    def _layer(self, patch: Patch, method: Any) -> Any:
        known = next((layer for layer in self._made if layer.__wrapped__ is method), None)
        if known is None:
            known = patch.layer(method)
            self._made.append(known)
        return known

    def _is_in(self, method: Any) -> bool:
        """Say whether one of our layers is in a method, under whatever others laid on top."""
        return any(part is layer for part in _parts(method) for layer in self._made)

    def missing(self) -> list[str]:
        """Return the methods that the installed openai lacks; imports it.

        Raises:
            ImportError: it is not installed, or broken.

        """
        return [patch.place for patch in self._patches if _owner(importlib.import_module(patch.module), patch) is None]

    def is_laid_on(self, owner: type, name: str) -> bool:
        """Say whether our layer of this method is there still: others put methods back that they saved before us."""
        return self._is_in(owner.__dict__.get(name))

    def is_bypassed(self, client: Any) -> bool:
        """Say whether a client calls the SDK's own ``request`` past our layer: somebody kept it, or put it back."""
        bare = _bare(client.request)
        is_the_sdks = any(
            _bare(owner.__dict__.get(patch.name)) is bare
            for patch, owner in self._owners.items()
            if patch.name == "request"
        )
        return is_the_sdks and not self._is_in(client.request)

    @guarded("patch")
    def take_off(self) -> None:
        """Remove our layers where they are on top; one covered by somebody else's stays, inactive."""
        with self._lock:
            for patch, owner in self._owners.items():
                for kind in _family(owner):
                    method: Any = kind.__dict__.get(patch.name)
                    if any(method is layer for layer in self._made):
                        setattr(kind, patch.name, method.__wrapped__)

    def take_off_when_idle(self) -> None:
        """Remove them unless we are active or a call is inside, whose last one to leave asks again.

        Without the layers below ``request`` a call would look like one that was never answered.
        """
        with self._lock:
            if STATE.world is None and not STATE.inside:
                self.take_off()


class Hook:
    """Hands openai's client module to a function: now where it is loaded, else when it is imported."""

    def __init__(self, take: Callable[[ModuleType], object]) -> None:
        self._take = take
        self._is_waiting = False

    def __call__(self) -> None:
        """Hand it over, or wait for it once."""
        module = _loaded(CLIENT)
        if module is not None:
            self._take(module)
        elif not self._is_waiting:
            import wrapt  # noqa: PLC0415  only to wait for an import

            self._is_waiting = True  # that cannot be taken back, so what is called asks whether we are active
            wrapt.when_imported(CLIENT)(self._take)


class Awaited:
    """A finder that finds nothing itself: it hands over modules that most processes never load, once they are loaded.

    ``wrapt.when_imported`` does the same, but ``import wrapt`` costs 8 ms of processor, more than twice all the rest of
    our start (ADR 19).
    """

    def __init__(self) -> None:
        self._wanted: dict[str, Callable[[ModuleType], object]] = {}

    def want(self, name: str, take: Callable[[ModuleType], object]) -> None:
        """Hand over a module: now where it is loaded, else when it has been."""
        module = sys.modules.get(name)
        if module is not None:
            take(module)
            return
        self._wanted[name] = take
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def forget(self) -> None:
        """Wait for nothing any more, and leave the interpreter as it was."""
        self._wanted.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    @guarded("import")
    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Return the spec that the other finders have for a module that is wanted, and ``None`` for all others."""
        take = self._wanted.pop(name, None)  # gone, so that the search below passes us
        spec = None if take is None else find_spec(name)
        if take is None or spec is None or spec.loader is None:
            return None
        self._follow(name, spec.loader, take)
        return spec

    def _follow(self, name: str, loader: Any, take: Callable[[ModuleType], object]) -> None:
        """Have the loader tell: by an attribute of its own, so that it stays the loader that it is."""
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            try:
                load(module)
            except BaseException:
                self._wanted[name] = take  # whoever imports it again shall be heard too
                raise
            finally:
                del loader.exec_module
            take(module)

        loader.exec_module = exec_module


def _loaded(name: str) -> ModuleType | None:
    """Return a module that is loaded, or that another thread is loading: that one once it is whole."""
    if name in sys.modules:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


def _owner(module: ModuleType, patch: Patch) -> type | None:
    owner: type | None = getattr(module, patch.owner, None)
    return owner if owner is not None and patch.name in owner.__dict__ else None


def _family(owner: type) -> Iterator[type]:
    """Yield a class and all below it: a package may lay its wrapper of the base's method on a subclass."""
    yield owner
    below: list[type] = type.__subclasses__(owner)
    for kind in below:
        yield from _family(kind)


def _parts(method: Any) -> Iterator[Any]:
    """Yield a method and all that it wraps, from the outside in."""
    while method is not None:
        method = getattr(method, "__func__", method)
        yield method
        method = getattr(method, "__wrapped__", None)


def _bare(method: Any) -> Any:
    """Return the innermost method, below everybody's wrappers."""
    return [None, *_parts(method)][-1]
