"""Lazy import of the names of ``edgenas``, and packages that can also be called as functions.

``edgenas.search`` is two things: a package (``from edgenas.search.space import Space``) and a function
(``edgenas.search(space, ...)``). One mechanism serves both: the class of the module ``edgenas`` is ``FrontDoor``. The
import system binds a package to its parent with ``setattr``; ``FrontDoor.__setattr__`` then makes each package that has
a function's name a ``VerbPackage``. Either of the two may be used first.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect import Signature

#: public name -> module that defines it
PUBLIC: dict[str, str] = {
    "adapt": "edgenas.api.adapt",
    "adapt_replay": "edgenas.api.adapt_replay",
    "adapt_try": "edgenas.api.adapt_try",
    "blocks": "edgenas.api.blocks",
    "bundle": "edgenas.api.bundle",
    "check": "edgenas.api.tables",
    "check_devices": "edgenas.api.devices",
    "demo": "edgenas.api.ship",
    "device_facts": "edgenas.api.devices",
    "devices": "edgenas.api.devices",
    "diff": "edgenas.api.tables",
    "export": "edgenas.api.export",
    "fit_table": "edgenas.api.fit_table",
    "front": "edgenas.api.front",
    "import_table": "edgenas.api.import_table",
    "network": "edgenas.api.network",
    "open_table": "edgenas.api.table",
    "profile": "edgenas.api.profile",
    "profile_for_search": "edgenas.api.profile_for_search",
    "profile_whole": "edgenas.api.fit_table",
    "report": "edgenas.api.report",
    "search": "edgenas.api.search",
    "ship": "edgenas.api.ship",
    "space": "edgenas.api.spaces",
    "spaces": "edgenas.api.spaces",
    "spaces_inside": "edgenas.api.spaces_fit",
    "sustain": "edgenas.api.sustain",
    "table_template": "edgenas.api.table_template",
    "train": "edgenas.api.train",
    "transfer": "edgenas.api.transfer",
    "validate": "edgenas.api.validate",
    "verify": "edgenas.api.verify",
    "verify_bundle": "edgenas.api.verify_bundle",
    "verify_images": "edgenas.api.verify_images",
    "watch": "edgenas.api.watch",
    "Architecture": "edgenas.blocks.architecture",
    "BlockSpec": "edgenas.blocks.spec",
    "EdgenasError": "edgenas.base.errors",
    "InputError": "edgenas.base.errors",
    "Layer": "edgenas.search.space",
    "Listener": "edgenas.base.listener",
    "Network": "edgenas.api.network",
    "Option": "edgenas.search.space",
    "OutcomeError": "edgenas.base.errors",
    "PrintListener": "edgenas.api.listener",
    "SearchResult": "edgenas.api.search_result",
    "Space": "edgenas.search.space",
    "Table": "edgenas.api.table",
}
#: functions whose name is also that of a package
VERB_PACKAGES = ("blocks", "bundle", "devices", "report", "search", "ship", "watch")


class VerbPackage(ModuleType):
    """A package that can be called: ``edgenas.NAME(...)`` calls the function NAME of ``PUBLIC``.

    Its docstring, its signature and ``help()`` are those of the function.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        return _public(_last(self))(*args, **options)

    def __getattr__(self, name: str) -> Any:
        if name == _last(self):  # for help(), which lists the names in __all__
            return _public(name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), _last(self)})

    def __repr__(self) -> str:
        return f"<function and package {self.__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # computed: the function's own
        doc: str | None = _public(_last(self)).__doc__
        return doc

    @property
    def __signature__(self) -> Signature:
        import inspect

        return inspect.signature(_public(_last(self)))

    @property
    def __all__(self) -> list[str]:
        return [_last(self)]


class FrontDoor(ModuleType):
    """The module ``edgenas``: its names are imported at their first use, like those of PEP 562."""

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            from edgenas.base.version import installed_version

            value: Any = installed_version()
        elif name in VERB_PACKAGES:
            return importlib.import_module(f"{self.__name__}.{name}")  # the import binds the package, see __setattr__
        elif name in PUBLIC:
            value = _public(name)
        else:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if name in VERB_PACKAGES and type(value) is ModuleType:
            value.__class__ = VerbPackage
        super().__setattr__(name, value)

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *PUBLIC, "__version__"})


def install(name: str) -> None:
    """Make the module ``name`` a ``FrontDoor``; packages that are already bound to it become callable, too."""
    module = sys.modules[name]
    module.__class__ = FrontDoor
    for package in VERB_PACKAGES:
        if package in module.__dict__:
            setattr(module, package, module.__dict__[package])


def _last(package: ModuleType) -> str:
    return package.__name__.rpartition(".")[2]


def _public(name: str) -> Any:
    return getattr(importlib.import_module(PUBLIC[name]), name)
