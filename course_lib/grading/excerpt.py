"""What an answer needs of its lesson: the statements that define the names it uses, and those that they use, and so on.

A lesson takes a minute to run, an answer needs its imports and perhaps one class. Statements are chosen by name, never run.
"""

from __future__ import annotations

import ast
import builtins
import functools
import symtable
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "display", "get_ipython"}

BROKEN = (SyntaxError, ValueError, RuntimeError, MemoryError)
"""What reading somebody's source may raise (RecursionError is a RuntimeError)."""

PARSER = threading.Lock()

MAGICS_MOST = 30  # lines of IPython's own in a cell; reading them takes longer and longer


def parse(source: str) -> ast.Module:
    """`ast.parse`, one thread at a time: older releases of Python 3.11 keep one count of its depth for all threads, and
    raise a SystemError where two meet (cpython issue 106905). Exams are judged in threads."""
    with PARSER:
        return ast.parse(source)


@dataclass(frozen=True)
class Excerpt:
    source: str  # the statements, in the lesson's order
    unbound: frozenset[str]  # names that the answer uses and nothing defines

    @property
    def modules(self) -> set[str]:
        """What the statements import, in full: {"numpy", "course_lib.atari"}."""
        return imported_modules(parse(self.source))


def excerpt(cells: Iterable[str], answer: str, library: frozenset[str] | None = None) -> Excerpt:
    """The statements of the `cells` before an answer, as far as the answer needs them.

    library: the modules of course_lib that may be imported; statements that import others are left out. None: all may.
    Raises SyntaxError for an answer that is no Python.
    """
    used, own = names(as_python(answer))
    lesson = [one for cell in cells for one in statements(cell) if library is None or one.course_modules <= library]
    needed, kept = used - BUILTINS, []
    while (found := [one for one in lesson if one.binds & needed]) != kept:
        kept, needed = found, needed.union(*(one.uses - BUILTINS for one in found))
    bound = own.union(*(one.binds for one in kept))
    unbound = frozenset() if "*" in bound else needed - bound
    return Excerpt("\n".join(one.source for one in kept), unbound)


@dataclass(frozen=True)
class Statement:
    """One statement of a lesson."""

    source: str
    uses: frozenset[str]  # global names
    binds: frozenset[str]
    course_modules: frozenset[str]


@functools.cache
def statements(cell: str) -> tuple[Statement, ...]:
    found = []
    for statement in parse(as_python(cell)).body:
        for one in one_name_each(statement):
            source = ast.unparse(one)
            uses, binds = names(source)
            found.append(Statement(source, uses, binds, frozenset(course_modules(one))))
    return tuple(found)


@functools.lru_cache(10_000)
def as_python(source: str) -> str:
    """A cell without IPython's own language (`%timeit f()`, `!ls`), so that Python can read it; Python itself stays as it is."""
    try:
        parse(source)
    except BROKEN as python:
        if sum(line.lstrip().startswith(("%", "!")) for line in source.splitlines()) > MAGICS_MOST:
            raise SyntaxError(f"no Python: {python}") from None
        try:
            return TransformerManager().transform_cell(source)
        except Exception:  # it stumbles over some sources that are neither
            raise SyntaxError(f"no Python: {python}") from None
    return source


def one_name_each(statement: ast.stmt) -> Iterator[ast.stmt]:
    """`from a import b, c` as two statements, for an answer may need one of them."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield ast.Import([alias]) if isinstance(statement, ast.Import) else ast.ImportFrom(statement.module, [alias], statement.level)
    else:
        yield statement


@functools.lru_cache(1000)
def names(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """The global names that a source uses, and those that it defines."""
    tree = parse(source)
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp) for node in nodes):
        source = ast.unparse(AsGenerators().visit(tree))
    table = symtable.symtable(source, "<lesson>", "exec")
    # `x += 1` uses x, too, which the table does not say; `from a import *` defines what nobody knows, noted as "*".
    augmented = {node.target.id for node in nodes if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)}
    used, defined = set(), {"*" for node in nodes if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"}
    tables = [table]
    while tables:
        inner = tables.pop()
        tables += inner.get_children()
        for symbol in inner.get_symbols():
            is_global = inner is table or symbol.is_global()
            if (symbol.is_assigned() or symbol.is_imported()) and is_global:
                defined.add(symbol.get_name())
                used |= {symbol.get_name()} & augmented
            if symbol.is_referenced() and (is_global or inner.get_type() == "class"):  # a class's own name may be a global one before
                used.add(symbol.get_name())
    return frozenset(used), frozenset(defined)


class AsGenerators(ast.NodeTransformer):
    """Turns comprehensions into generators: of the others, Python 3.12 and later count the variables among those around them (PEP 709)."""

    def visit_ListComp(self, node):  # noqa: N802
        self.generic_visit(node)
        return ast.GeneratorExp(node.elt, node.generators)

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node):  # noqa: N802
        self.generic_visit(node)
        return ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)


def imported_modules(tree: ast.AST) -> set[str]:
    """Every module that is imported anywhere in a tree; `from a import b` may mean the module a.b, so both are named."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def course_modules(tree: ast.AST) -> set[str]:
    """The modules and names of course_lib that a tree imports; the bare package, which has `quiet`, not counted."""
    return {name for name in imported_modules(tree) if name.startswith("course_lib.")}
