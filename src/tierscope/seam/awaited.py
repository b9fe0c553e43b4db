"""Waiting for modules that most processes never load, at the price of one look-up an import.

``wrapt.when_imported`` does the same, but ``import wrapt`` costs 8 ms of processor, three times as much as all the rest
of our start (ADR 19).
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tierscope.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Awaited:
    """A finder that finds nothing itself: it hands a module to who waits for it, once that is loaded."""

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
