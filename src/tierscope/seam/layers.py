"""Laying our layers on the SDK's classes when openai is imported, gated by what is there, and taking them off again."""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import wrapt

from tierscope.forks import at_fork
from tierscope.guard import guarded
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

log = logging.getLogger("tierscope")

CLIENT: Final = "openai._base_client"
STREAMING: Final = "openai._streaming"


@dataclass(frozen=True, slots=True)
class Patch:
    """One patched method: where it is, and what makes our layer of it."""

    module: str
    owner: str
    name: str
    layer: Callable[[Any], Any]


class Layers:
    """Our own layers on the SDK's classes, so that only these are ever taken off."""

    def __init__(self, patches: tuple[Patch, ...]) -> None:
        self._patches = patches
        self._laid: dict[Patch, tuple[Any, Any]] = {}
        self._is_hooked = False
        self._forked()
        at_fork(in_child=self._forked)

    def _forked(self) -> None:
        self._lock = threading.RLock()

    def hook(self) -> None:
        """Wait for openai's import; that cannot be taken back, so the hook asks whether we are active."""
        is_first, self._is_hooked = not self._is_hooked, True
        for name in (CLIENT, STREAMING):
            module = _loaded(name)
            if is_first:
                wrapt.when_imported(name)(self.lay)
            elif module is not None:
                self.lay(module)

    @guarded("patch")
    def lay(self, module: ModuleType) -> None:
        """Lay every patch of this module that is not there yet."""
        with self._lock:
            if STATE.world is None:
                return
            for patch in self._patches:
                if patch.module == module.__name__:
                    self._lay_one(module, patch)

    def _lay_one(self, module: ModuleType, patch: Patch) -> None:
        owner = getattr(module, patch.owner, None)
        if owner is None or patch.name not in owner.__dict__:
            log.warning(
                "Tierscope: %s.%s is not in this version of openai; what it tells stays unknown.",
                patch.owner,
                patch.name,
            )
            return
        if self._laid.get(patch, (None,))[0] is owner:
            return
        layer = patch.layer(owner.__dict__[patch.name])
        setattr(owner, patch.name, layer)
        self._laid[patch] = owner, layer

    def is_laid_on(self, owner: object) -> bool:
        """Say whether a class carries one of our layers."""
        return any(owner is laid for laid, _ in self._laid.values())

    @guarded("patch")
    def take_off(self) -> None:
        """Remove our layers where they are on top; one covered by somebody else's stays, inactive.

        Not while a call is inside: without the layers below ``request`` it would look like one that was never answered.
        """
        with self._lock:
            if STATE.world is not None or STATE.inside:
                return
            for patch, (owner, layer) in list(self._laid.items()):
                if owner.__dict__.get(patch.name) is layer:
                    setattr(owner, patch.name, layer.__wrapped__)
                    del self._laid[patch]


def _loaded(name: str) -> ModuleType | None:
    """Return a module that is loaded, or that another thread is loading: that one once it is whole."""
    if name in sys.modules:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None
