"""Laying our layers on the SDK's classes when openai is imported, gated by what is there, and taking them off again."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import wrapt

from tierscope.guard import guarded
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable
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


class Layers:
    """Our own layers on the SDK's classes, so that only these are ever taken off."""

    def __init__(self, patches: tuple[Patch, ...]) -> None:
        self._patches = patches
        self._laid: dict[Patch, tuple[Any, Any]] = {}
        self._is_hooked = False

    def hook(self) -> None:
        """Wait for openai's import; that cannot be taken back, so the hook asks whether we are active."""
        if not self._is_hooked:
            self._is_hooked = True
            for name in (CLIENT, STREAMING):
                wrapt.when_imported(name)(self.lay)
        else:
            self.lay_again()

    @guarded("patch")
    def lay(self, module: ModuleType) -> None:
        """Lay every patch of this module that is not there yet."""
        if STATE.world is None:
            return
        for patch in self._patches:
            if patch.module == module.__name__:
                self._lay_one(module, patch)

    def lay_again(self) -> None:
        """Lay the patches of modules that were imported long ago."""
        for name in (CLIENT, STREAMING):
            if name in sys.modules:
                self.lay(sys.modules[name])

    def _lay_one(self, module: ModuleType, patch: Patch) -> None:
        owner = getattr(module, patch.owner, None)
        if owner is None or patch.name not in owner.__dict__:
            log.warning(
                "Tierscope: %s.%s is not in this version of %s; what it tells stays unknown.",
                patch.owner,
                patch.name,
                patch.module.partition(".")[0],
            )
            return
        if self._laid.get(patch, (None,))[0] is owner:
            return
        layer = patch.layer(owner.__dict__[patch.name])
        setattr(owner, patch.name, layer)
        self._laid[patch] = owner, layer

    def is_laid_on(self, owner: type, name: str) -> bool:
        """Say whether our layer of this method is there still: others put methods back that they saved before us."""
        layer = next((ours for patch, (laid, ours) in self._laid.items() if laid is owner and patch.name == name), None)
        found = owner.__dict__.get(name)
        while found is not None and found is not layer:
            found = getattr(found, "__wrapped__", None)
        return found is not None

    def take_off(self) -> None:
        """Remove our layers where they are on top; one covered by somebody else's stays, inactive."""
        for patch, (owner, layer) in list(self._laid.items()):
            if owner.__dict__.get(patch.name) is layer:
                setattr(owner, patch.name, layer.__wrapped__)
                del self._laid[patch]
