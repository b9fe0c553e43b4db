"""The mutants of a source: each is one small change that a reviewer might miss.

No kept tool makes all of these. mutmut 3.8 leaves alone what stands outside functions, and every decorated function:
here that would be the constants of the formulas, the tables, the patterns, and what is cached. cosmic-ray starts a
Python for each mutant, which costs an hour where a fork costs minutes.
"""

from __future__ import annotations

import ast
import builtins
import copy
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SWAPS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Continue: ast.Break,
    ast.Break: ast.Continue,
}
_PAIRS: Final = (
    *(("lower", "upper"), ("lstrip", "rstrip"), ("partition", "rpartition"), ("startswith", "endswith")),
    *(("removeprefix", "removesuffix"), ("any", "all"), ("min", "max"), ("fullmatch", "match")),
)
NAMES: Final = {**dict(_PAIRS), **{other: one for one, other in _PAIRS}}
UNTOUCHED: Final = frozenset({"annotation", "returns", "decorator_list", "bases"})
"""Fields that say what a thing is for readers and type checkers; caches change no answer."""
LONGEST: Final = 110
NEARBY: Final = 40
"""Of a longer line so many characters are told on either side of the change."""


class Mutant(NamedTuple):
    """One change of a source, and the whole source with it."""

    name: str
    """Function, line as it was and as it is now: none of it moves when lines above do."""
    source: str


class _Place(NamedTuple):
    """Where a node hangs in the tree."""

    where: str
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(source: str, module: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's source, in the order of the source; the same text twice has a number."""
    tree = ast.parse(source)
    whole, met = ast.unparse(tree), Counter[str]()
    for place in list(_places(tree, module)):
        for changed in _variants(place):
            place.put(changed)
            mutated = ast.unparse(tree)
            place.put(place.node)
            if mutated != whole:  # `while True` is already what it would become
                told = f"{place.where}: {_difference(whole.splitlines(), mutated.splitlines())}"
                met[told] += 1
                yield Mutant(told if met[told] == 1 else f"{told} ({met[told]})", mutated)


def _places(parent: ast.AST, where: str) -> Iterator[_Place]:
    for field, value in ast.iter_fields(parent):
        if field in UNTOUCHED:
            continue
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST) and not _is_for_readers(node):
                inner = f"{where}.{node.name}" if isinstance(node, ast.FunctionDef | ast.ClassDef) else where
                yield _Place(inner, parent, field, index if isinstance(value, list) else None, node)
                yield from _places(node, inner)


def _is_for_readers(node: ast.AST) -> bool:
    """Say whether a statement has no effect at run time: imports, docstrings, types, slots."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.ClassDef(bases=[ast.Name(id="Protocol")]):
            return True
        case (
            ast.Assign(targets=[ast.Name(id="__slots__")]) | ast.Assign(value=ast.Subscript(value=ast.Name("Literal")))
        ):
            return True
    return False


def _variants(place: _Place) -> Iterator[ast.AST]:
    """Yield what may stand in a node's place."""
    node = place.node
    if place.field in {"test", "ifs"} and not isinstance(node, ast.Constant):
        yield from (ast.Constant(True), ast.Constant(False))
    if place.field == "type" and isinstance(place.parent, ast.ExceptHandler):
        yield from _fewer(node, "elts") if isinstance(node, ast.Tuple) else [ast.Tuple([], ast.Load())]
    if (other := SWAPS.get(type(node))) is not None:
        yield other()
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.expr | ast.Slice):
        yield from _of_expression(node)


def _of_statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Expr() | ast.AugAssign() | ast.Delete() | ast.Raise():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))


def _of_expression(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=value):
            yield from map(ast.Constant, _of_constant(value))
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BoolOp(values=values):
            yield from (
                _changed(node, values=rest) if len(rest) > 1 else rest[0]
                for rest in (values[:at] + values[at + 1 :] for at in range(len(values)))
            )
        case ast.Attribute(attr=name) if name in NAMES:
            yield _changed(node, attr=NAMES[name])
        case ast.Name(id=name) if name in NAMES:
            yield _changed(node, id=NAMES[name])
        case ast.Slice():
            yield from (_changed(node, **{end: None}) for end in ("lower", "upper") if getattr(node, end) is not None)
        case ast.Call():
            yield from _of_call(node)


def _of_constant(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value + 1, value - 1
    if isinstance(value, float):
        return value * 1.1, value * 0.9
    if isinstance(value, str):
        return (value + "X",)
    return (value + b"X",) if isinstance(value, bytes) else ()


def _of_call(node: ast.Call) -> Iterator[ast.AST]:
    """Yield the call with ``None`` for each argument; a builtin would raise at once."""
    if isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id):
        return
    for at, argument in enumerate(node.args):
        if not isinstance(argument, ast.Constant | ast.Starred):
            yield _changed(node, args=[*node.args[:at], ast.Constant(None), *node.args[at + 1 :]])
    for at, keyword in enumerate(node.keywords):
        if not isinstance(keyword.value, ast.Constant):
            given = ast.keyword(keyword.arg, ast.Constant(None) if keyword.arg else ast.Dict([], []))
            yield _changed(node, keywords=[*node.keywords[:at], given, *node.keywords[at + 1 :]])


def _fewer(node: ast.AST, field: str) -> Iterator[ast.AST]:
    entries = getattr(node, field)
    yield from (_changed(node, **{field: entries[:at] + entries[at + 1 :]}) for at in range(len(entries)))


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _difference(before: list[str], after: list[str]) -> str:
    """Return the one line that differs, as it was and as it is; of a long one what is near the change."""
    was, now = next((a.strip(), b.strip()) for a, b in zip(before, after, strict=True) if a != b)
    if len(was) > LONGEST:
        start = next(at for at, (a, b) in enumerate(zip(f"{was}\0", f"{now}\1", strict=False)) if a != b)
        start = max(0, start - NEARBY)
        end = next(at for at, (a, b) in enumerate(zip(was[::-1] + "\0", now[::-1] + "\1", strict=False)) if a != b)
        end = max(0, end - NEARBY)
        was, now = was[start : len(was) - end], now[start : len(now) - end]
    return f"{was} => {now}"
