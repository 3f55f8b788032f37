"""Loader of user code: one loader and one form of errors wherever an option takes the name of a part of edgenas.

    find("digits", SPACES, "space", "edgenas.spaces")                    a part of edgenas
    find("my_space.py:tiny", SPACES, "space", "edgenas.spaces")          from a file with any path
    find("my_package.spaces:tiny", SPACES, "space", "edgenas.spaces")    from a module: installed, or below this folder
    find("tiny", SPACES, "space", "edgenas.spaces")                      from an entry point of an installed package

``edgenas.base.code.Code`` identifies what was loaded: the text that names it, and the sha256 of its file and of the
files beside it that it imports. Records store it; work that was begun with one version of the code is not continued
with another (``edgenas.base.code.check_same``).
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, NoReturn, TypeVar

from edgenas.base import own_files
from edgenas.base.code import Code, code_of_file, code_of_module
from edgenas.base.errors import InputError
from edgenas.base.naming import nearest, there_are

T = TypeVar("T")

#: kind of part that may be user code -> group of its entry points
GROUPS = {
    "space": "edgenas.spaces",
    "judge": "edgenas.judges",
    "algorithm": "edgenas.algorithms",
    "runtime": "edgenas.runtimes",
    "loss": "edgenas.losses",
    "device kind": "edgenas.device_kinds",
}
OWN = "one of your own is FILE.py:NAME or PACKAGE.MODULE:NAME"


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The value that a name stands for; ``code`` identifies the user code, None where the value is part of edgenas."""

    value: T
    code: Code | None = None


def find(name: str, known: Mapping[str, T], what: str, group: str, folder: Path | None = None) -> Found[Any]:
    """Return the value of ``name``: a key of ``known``, an entry point of ``group``, 'FILE.py:NAME' or 'MODULE:NAME'.

    ``what`` is the kind of part, such as 'space'. Relative paths begin at ``folder``, by default the current directory.
    The type of a value from user code is not checked (see ``accepted``). InputError names the nearest known name, or
    the fault of the file.
    """
    if name in known:
        return Found(known[name])
    for entry in entry_points(group):
        if entry.name == name:
            return _entry(entry)
    if ":" not in name:
        _refuse(name, known, what, group, folder or Path.cwd())
    return load(name, what, folder)


def entry_points(group: str) -> list[importlib.metadata.EntryPoint]:
    """Return the entry points of ``group`` that installed packages declare, sorted by name."""
    return sorted(importlib.metadata.entry_points(group=group), key=lambda entry: entry.name)


def names(known: Mapping[str, Any], group: str) -> list[str]:
    """Return every name that is written without a colon: parts of edgenas, then entry points."""
    return list(dict.fromkeys([*known, *(entry.name for entry in entry_points(group))]))


def load(text: str, what: str, folder: Path | None = None) -> Found[Any]:
    """Return the value of 'FILE.py:NAME' or 'PACKAGE.MODULE:NAME'; InputError names the file and what it defines."""
    place, _, attribute = text.rpartition(":")
    if not (place and attribute.isidentifier()):
        raise InputError(f"{text!r} names no {what}: it does not read FILE.py:NAME or PACKAGE.MODULE:NAME")
    at = folder or Path.cwd()
    if place.endswith(".py") or "/" in place:
        path = Path(os.path.realpath(at / Path(place).expanduser()))  # resolve() fails where links form a circle
        if not path.is_file():
            needs = f"{what} {text!r} needs one, and docs/adding.md shows how to write it"
            raise InputError(f"{place}: no such file{_near_files(path)}; {needs}")
        module = guarded(place, path, lambda: own_files.load_file(path))
        return Found(attribute_of(module, attribute, place), code_of_file(text, path, path.parent))
    if not all(part.isidentifier() for part in place.split(".")):
        raise InputError(f"{text!r} names no {what}: {place!r} is neither a file that ends in .py nor a module's name")
    return _from_module(text, place, attribute, at)


def accepted(found: Found[Any], good: bool, wanted: str) -> None:
    """Raise InputError unless ``good``, the result of the caller's check of ``found``; ``wanted`` is the type needed,
    for the message."""
    if not good:
        text = found.code.text if found.code else "the value"
        value = found.value
        kind = type(value).__name__
        is_a = f"the class {value.__name__}" if isinstance(value, type) else f"{_article(kind)} {kind}"
        raise InputError(f"{text} is {is_a}, not {wanted}")


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def called(code: Code | None, call: Callable[[], T]) -> T:
    """Return the result of ``call``, a function of the user code ``code``; InputError with the line where it raises."""
    if code is None:
        return call()
    path = Path(code.files.path) if code.files else Path("?")
    return guarded(code.text, path, call, "when it was called")


def _refuse(name: str, known: Mapping[str, Any], what: str, group: str, folder: Path) -> NoReturn:
    place = folder / Path(name).expanduser()
    if name.endswith(".py") and place.is_file():
        defines = ", ".join(defined_in(place.read_bytes())) or "nothing"
        raise InputError(f"{name} is a file, not the {what} in it: write {name}:NAME; it defines {defines}")
    raise InputError(f"no {what} {name[:200]!r}; {there_are(name, names(known, group))}; {OWN}")


def _entry(entry: importlib.metadata.EntryPoint) -> Found[Any]:
    package = entry.dist.name if entry.dist else "an installed package"
    where = f"{entry.value} (entry point {entry.name!r} of {package})"
    module = guarded(where, None, lambda: importlib.import_module(entry.module))
    value: Any = module
    for part in entry.attr.split(".") if entry.attr else ():
        value = attribute_of(value, part, where)
    return Found(value, code_of_module(entry.name, module))


def _from_module(text: str, place: str, attribute: str, folder: Path) -> Found[Any]:
    top = place.partition(".")[0]
    if own_files.lies_in(folder, top) and not _same_place(top, folder):
        module = guarded(place, None, lambda: own_files.load_module(place, folder))
        value = attribute_of(module, attribute, place)
        if module.__file__ is None:
            return Found(value, Code(text, ""))
        return Found(value, code_of_file(text, Path(module.__file__), folder.resolve()))
    module = guarded(place, None, lambda: importlib.import_module(place))
    return Found(attribute_of(module, attribute, place), code_of_module(text, module))


def _same_place(top: str, folder: Path) -> bool:
    """Return True if Python's usual import of ``top`` imports the file in ``folder`` too."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and Path(spec.origin).is_relative_to(folder.resolve())


def attribute_of(holder: Any, attribute: str, place: str) -> Any:
    """Return an attribute of the module or object ``holder``; InputError lists the names that ``place`` defines."""
    if hasattr(holder, attribute):
        return getattr(holder, attribute)
    defined = _defined(holder)
    close = nearest(attribute, defined)
    mean = f"; did you mean `{close}`?" if close else ""
    raise InputError(f"{place} has no `{attribute}`; it defines {', '.join(defined) or 'nothing'}{mean}")


def _defined(holder: Any) -> list[str]:
    """Return the public names that a module itself defines, in order; the public attributes of any other object."""
    if not isinstance(holder, ModuleType):
        return [name for name in dir(holder) if not name.startswith("_")]
    path = Path(holder.__file__) if holder.__file__ else None
    if path is not None and path.suffix == ".py" and path.is_file():
        return [name for name in defined_in(path.read_bytes()) if hasattr(holder, name)]
    return [name for name in vars(holder) if not name.startswith("_")]


def defined_in(content: bytes) -> list[str]:
    """Return the public names that a Python file defines at its top level, in order; the file is not executed."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return []
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return list(dict.fromkeys(name for name in found if not name.startswith("_")))


def guarded(place: str, path: Path | None, run: Callable[[], T], when: str = "when it was loaded") -> T:
    """Return the result of ``run``; every exception of the user code becomes an InputError of one line.

    ``place`` begins the message; ``path`` is the user's file, None for a module; ``when`` ends the message.
    """
    try:
        return run()
    except InputError as error:
        raise InputError(f"{place}{_line(error, path)}: {error}") from error
    except SyntaxError as error:
        file = error.filename or place
        shown = place if path is not None and Path(file) == path else file
        raise InputError(f"{shown}, line {error.lineno}: not Python: {error.msg}") from error
    except SystemExit as error:
        raise InputError(
            f"{place}{_line(error, path)} ends the program (sys.exit({error.code!r})) {when}: put what only a script "
            "does under if __name__ == '__main__'"
        ) from error
    except ModuleNotFoundError as error:
        if path is None and error.name and (place == error.name or place.startswith(f"{error.name}.")):
            raise InputError(
                f"no module {place!r}: install it, run the command in the folder where it lies, or write its file: "
                "FILE.py:NAME"
            ) from error
        raise InputError(f"{place}{_line(error, path)}: {error}: install it, or put it beside the file") from error
    except Exception as error:  # user code may raise anything: it becomes an error that names its line
        why = " ".join(str(error).split())
        raise InputError(f"{place}{_line(error, path)}: {type(error).__name__}: {why} (raised {when})") from error


def _line(error: BaseException, path: Path | None) -> str:
    """Return ', line 3', the last line of user code that ran; with the file's name where it is not ``path``."""
    ours, imports = str(Path(__file__).parent), str(Path(importlib.__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_file() and not frame.filename.startswith((ours, imports))
    ]
    own = [frame for frame in frames if path is not None and Path(frame.filename).parent == path.parent] or frames
    if not own:
        return ""
    last = own[-1]
    return (
        f", line {last.lineno}" if path == Path(last.filename) else f", {Path(last.filename).name} line {last.lineno}"
    )


def _near_files(path: Path) -> str:
    there = [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []
    close = nearest(path.name, there)
    return f" in {path.parent}" + (f"; did you mean {close!r}?" if close else "")
