"""Places of the code where one change can be made, so that a test of that code should fail: see ``mutation``."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
EXCHANGED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True, slots=True)
class Break:
    """A change of one place: the file, its line, and the text before and after."""

    path: str
    line: int
    before: str
    after: str
    begin: int  #: first character of ``before`` in the file, in bytes
    end: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {_short(self.before)} -> {_short(self.after)}"

    def applied(self, source: bytes) -> bytes:
        """Return the source of the file with this change."""
        return source[: self.begin] + self.after.encode() + source[self.end :]


def breaks(root: Path, path: str, lines: Collection[int], names: Collection[str] = ()) -> list[Break]:
    """Return every break of the functions of a file that begin in ``lines``; of those that belong to the definitions
    ``names`` only, where there are any.

    A function begins in the line of its first decorator, else of its ``def``, as its code object says.
    """
    source = (root / path).read_text(encoding="utf-8")
    tree = ast.parse(source)
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    tops = [node for node in tree.body if isinstance(node, definitions)]
    of_names = [node for node in tops if node.name in names]
    offsets = [0]
    for line in source.encode().splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found: dict[tuple[int, str], Break] = {}
    for top in of_names or tops:
        for function in _functions(top, lines):
            for node, changed in _changes(function):
                begin = offsets[node.lineno - 1] + node.col_offset
                end = offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
                before = source.encode()[begin:end].decode()
                after = f"({changed})" if "\n" in before else changed
                found[begin, after] = Break(path, node.lineno, before, after, begin, end)
    return list(found.values())


def _functions(top: ast.AST, lines: Collection[int]) -> Iterator[ast.AST]:
    for node in ast.walk(top):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first in lines:
                yield node


def _changes(function: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in ast.walk(function):
        match node:
            case ast.Compare(left, [operator], [right]) if type(operator) in TURNED:
                yield node, ast.unparse(ast.Compare(left, [TURNED[type(operator)]()], [right]))
            case ast.If(test=test) | ast.IfExp(test=test):
                yield test, f"(not ({ast.unparse(test)}))"
            case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
                yield value, "None"
            case ast.BinOp(_, ast.Div(), ast.Constant(value=str())):
                pass  # the name of a file: any change of it is an exception
            case ast.BinOp(left, operator, right) if type(operator) in EXCHANGED:
                yield node, f"({ast.unparse(ast.BinOp(left, EXCHANGED[type(operator)](), right))})"
            case ast.Constant(value=value) if type(value) in (int, float):
                yield node, f"({value!r} + 1)"
            case ast.Raise():
                yield node, "pass"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 50 else line[:47] + "..."
