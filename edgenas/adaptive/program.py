"""``adaptive.py``: the parts in ``edgenas.adaptive.device``, joined into one file that imports nothing of edgenas."""

from __future__ import annotations

import ast
from importlib.resources import files

PROGRAM = "adaptive.py"  #: its name in the folder of a menu
PARTS = ("policy", "runtimes", "caches", "pack", "model")  #: in the order in which they need each other
_OWN = "edgenas.adaptive.device"


def program() -> str:
    """Return the text of ``adaptive.py``: the docstring of ``model``, all imports, then the parts one after another."""
    head, plain, named, bodies = "", set[str](), dict[str, set[str]](), list[str]()
    for name in PARTS:
        text = (files(_OWN) / f"{name}.py").read_text(encoding="utf-8")
        lines, (docstring, *rest) = text.split("\n"), ast.parse(text).body
        begin = 0
        for node in rest:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                break
            begin = node.end_lineno or 0
            if isinstance(node, ast.Import):
                plain.add(ast.unparse(node))
            elif not (node.module or "").startswith(_OWN):
                named.setdefault(node.module or "", set()).update(alias.name for alias in node.names)
        head = "\n".join(lines[: docstring.end_lineno])
        bodies.append("\n".join(lines[begin:]).strip("\n"))
    del named["__future__"]
    imports = [*plain, *(f"from {module} import {', '.join(sorted(names))}" for module, names in named.items())]
    future, listed = "from __future__ import annotations", "\n".join(sorted(imports, key=_order))
    return "\n\n".join([head, future, listed, "", "\n\n\n".join(bodies)]) + "\n"


def _order(line: str) -> tuple[bool, bool, str]:
    return "numpy" in line, line.startswith("from"), line
