"""Import of the user's Python files as modules, without a change of ``sys.path`` or PYTHONPATH.

The files of one folder are the modules of one package with a unique name, ``edgenas_own_...``, so that no file ever
replaces an installed module: a user's ``search.py`` is ``edgenas_own_....search``. An ``import`` statement in such a
file, also one in a function that runs later, searches the file's folder first, then the installed modules. ``edgenas``
and the names of the standard library always mean the installed ones. An import by a call
(``importlib.import_module``) searches the installed modules only.

Other processes cannot import modules of such a package. Therefore no object of these modules is pickled: workers get
the text that names the object, and load the file again (``edgenas.base.plugins``).
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from edgenas.base.undo import UndoOnFailure

PREFIX = "edgenas_own_"
#: names that always mean edgenas, also where a file of this name lies beside a user's file
OURS = frozenset({"edgenas"})

#: name of a module -> sha256 of its file when it was executed
_executed: dict[str, str] = {}


def load_file(path: Path) -> ModuleType:
    """Execute a Python file and return its module.

    The file is executed again only when its content changed, or that of a file beside it that it imports. Output that
    the file prints goes to stderr. Every exception of the file is passed on, SystemExit included.
    """
    path = path.resolve()
    package = _package(path.parent)
    name = f"{package}.{_module_name(path.stem)}"
    return _loaded(package, name, lambda: _run(name, path))


def load_module(name: str, folder: Path) -> ModuleType:
    """Import ``name`` ('helpers' or 'package.module') from ``folder``, under the rules of ``load_file``."""
    package = _package(folder.resolve())
    return _loaded(package, f"{package}.{name}", lambda: importlib.import_module(f"{package}.{name}"))


def lies_in(folder: Path, top: str) -> bool:
    """Return True if ``import top`` in a file of ``folder`` imports a file or package in that folder."""
    if top in OURS or top in sys.stdlib_module_names:
        return False
    if (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file():
        return True
    if not (top.isidentifier() and (folder / top).is_dir()):
        return False
    return not _installed(top)  # a folder without __init__.py is a package only where nothing else has its name


def files_of(path: Path, folder: Path) -> dict[str, bytes]:
    """Return ``path`` and every file below ``folder`` that it imports, directly or through other files: path relative
    to ``folder`` -> content, ``path`` first. Import statements are parsed; nothing is executed."""
    found: dict[str, bytes] = {}
    todo = [path]
    while todo:
        file = todo.pop()
        key = file.relative_to(folder).as_posix()
        if key in found:
            continue
        found[key] = file.read_bytes()
        todo += _imported(found[key], file, folder)
    return found


def _imported(content: bytes, file: Path, folder: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if lies_in(folder, alias.name.partition(".")[0]):
                    yield from _chain(folder, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            base = folder
            if node.level:
                base = file.parents[node.level - 1]
                if not base.is_relative_to(folder):
                    continue
            elif not lies_in(folder, parts[0]):
                continue
            for alias in node.names:
                yield from _chain(base, [*parts, alias.name])


def _chain(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield the existing files of package.module.name, the package's first."""
    for part in parts:
        for file in (folder / part / "__init__.py", folder / f"{part}.py"):
            if file.is_file():
                yield file
                break
        folder = folder / part


def _package(folder: Path) -> str:
    """Return the name of the package whose modules are the files of ``folder``; create the package if needed."""
    name = PREFIX + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    if name not in sys.modules:
        package = ModuleType(name, f"Files of {folder}.")
        package.__path__ = [str(folder)]
        sys.modules[name] = package
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
    return name


def _module_name(stem: str) -> str:
    """Return a module name for a file name; a file name that is no Python identifier gets a digest."""
    if stem.isidentifier():
        return stem
    return f"{re.sub('[^0-9A-Za-z]', '_', stem)}_{hashlib.sha256(stem.encode()).hexdigest()[:8]}"


def _loaded(package: str, name: str, load: Any) -> ModuleType:
    if any(_changed(each) for each in list(_executed) if each.startswith(f"{package}.")):
        for each in [each for each in sys.modules if each.startswith(f"{package}.")]:
            del sys.modules[each]
            _executed.pop(each, None)
        importlib.invalidate_caches()
    if name in sys.modules:
        return sys.modules[name]
    with contextlib.redirect_stdout(sys.stderr):
        module: ModuleType = load()
    return module


def _changed(name: str) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    try:
        return file is None or hashlib.sha256(Path(file).read_bytes()).hexdigest() != _executed[name]
    except OSError:
        return True


def _run(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, loader=_Loader(name, str(path)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with UndoOnFailure(lambda: (sys.modules.pop(name, None), _executed.pop(name, None))):
        spec.loader.exec_module(module)
    return module


def _installed(top: str) -> bool:
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):  # ValueError: a module without a spec, such as __main__
        return True


class _Loader(SourceFileLoader):
    """Loader that executes the current content of a file, writes no bytecode, and gives the module ``_Import``."""

    def get_code(self, fullname: str) -> CodeType:
        content = Path(self.path).read_bytes()
        _executed[fullname] = hashlib.sha256(content).hexdigest()
        code: CodeType = compile(content, self.path, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: ModuleType) -> None:
        package = module.__name__.partition(".")[0]
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _Import(package)}
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finder of the modules in the ``edgenas_own_...`` packages; returns None for any other name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(PREFIX) or path is None:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Import:
    """Replacement for ``__import__`` in a user's file: it searches the folder of the file first, then imports as Python
    does.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    def __call__(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        folder = Path(sys.modules[self._package].__path__[0])
        if level or not lies_in(folder, top):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        found = builtins.__import__(f"{self._package}.{name}", globals, locals, fromlist or (), 0)
        return found if fromlist else sys.modules[f"{self._package}.{top}"]
