"""Checks of Python packages: those required by edgenas and by each extra, installed versions, and whether they load."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.installing import checkout, install_extra, pip
from edgenas.cli.doctor.loading import load
from edgenas.cli.doctor.rows import DoctorRow, State

if TYPE_CHECKING:
    from packaging.requirements import Requirement

#: extra -> its purpose
EXTRAS = {
    "train": "training candidates and winners",
    "images": "searches on your own images",
    "heic": "HEIC images",
    "datasets": "Hugging Face datasets on disk",
    "baselines": "search --algorithm nsga2",
    "int8": "int8 tables, int8 and fp16 exports",
    "parquet": "tables as Parquet",
    "distributed": "search --ray",
    "bench": "tools/bench/solvers.py",
    "oracle": "slow tests of the writers",
    "test": "tests of edgenas",
    "dev": "work on edgenas",
}
#: extras for developers of edgenas: versions are read, nothing is loaded, and rows appear only in a checkout
DEVELOPERS = ("bench", "oracle", "test", "dev")
#: required packages that measuring on this machine does not need -> their purpose
APART = {
    "adbutils": "phones",
    "pandas": "table show and CSV",
    "paramiko": "boards",
    "pyyaml": "table import",
    "scipy": "searches by integer programs",
}
#: packages of runtimes, which ``trial`` loads
RUN = ("ai-edge-litert", "onnxruntime")
#: packages that take seconds to load: by default, their files are compared with the list of their installation
HEAVY = ("ai-edge-quantizer", "datasets", "pandas", "ray", "scikit-learn", "torch")
_MODULES = {"pillow": "PIL", "pillow-heif": "pillow_heif", "pyyaml": "yaml", "scikit-learn": "sklearn"}


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A required package and its installed version. ``extra`` is '' for requirements of edgenas itself, ``found`` is ''
    where the package is missing; ``error`` is the reason why it is broken."""

    name: str
    extra: str
    required: str
    found: str
    state: State
    error: str = ""


def packages(load_all: bool = False) -> list[InstalledPackage]:
    """Return every package that edgenas requires; those installed are loaded, HEAVY ones only with ``load_all``."""
    from packaging.requirements import Requirement

    wanted: dict[str, list[Requirement]] = {}
    for text in metadata.requires("edgenas") or ():
        requirement = Requirement(text)
        for extra in ("", *EXTRAS):
            marker = requirement.marker
            if (marker is None) if not extra else (marker is not None and marker.evaluate({"extra": extra})):
                wanted.setdefault(extra, []).append(requirement)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        examined = partial(_examined, load_all=load_all)
        return [found for each in pool.map(examined, wanted, wanted.values()) for found in each]


def _examined(extra: str, requirements: Sequence[Requirement], *, load_all: bool) -> list[InstalledPackage]:
    """Return the packages of an extra; those installed are loaded, all in one process, or their files are checked."""
    versions = {each.name: _version(each.name) for each in requirements}
    there = [name for name, version in versions.items() if version and name not in RUN and extra not in DEVELOPERS]
    heavy = () if load_all else HEAVY
    errors = {module_of(name): incomplete(name) for name in there if name in heavy}
    if light := [module_of(name) for name in there if name not in heavy]:
        errors |= load(light)
    found = []
    for each in requirements:
        version, error = versions[each.name], errors.get(module_of(each.name), "")
        state: State = "broken" if error else "ok" if version else "missing"
        if version and not error and not each.specifier.contains(version, prereleases=True):
            state, error = "broken", f"{version} is installed, required is {each.specifier}"
        found.append(InstalledPackage(each.name, extra, str(each.specifier), version, state, error))
    return found


def own_rows(found: Sequence[InstalledPackage]) -> Iterator[DoctorRow]:
    """Yield one row for the packages that edgenas itself requires, and one for each that is missing or broken."""
    own = [package for package in found if not package.extra]
    good = [f"{p.name} {p.found}" for p in own if p.state == "ok"]
    if good:
        yield DoctorRow("packages", "ok", ", ".join(good))
    for p in own:
        if p.state != "ok":
            purpose = APART.get(p.name, "measuring")
            again = " --force-reinstall" if p.state == "broken" else ""
            finding = p.error or f"required is {p.required or 'any version'}"
            remedy = f"for {purpose}, type: {pip()} install{again} '{p.name}{p.required}'"
            yield DoctorRow(p.name, p.state, finding, remedy, needed=p.name not in APART)


def extra_rows(found: Sequence[InstalledPackage]) -> Iterator[DoctorRow]:
    """Yield one row for each extra."""
    for extra, purpose in EXTRAS.items():
        if extra in DEVELOPERS and checkout() is None:
            continue
        members = [package for package in found if package.extra == extra]
        good = ", ".join(f"{p.name} {p.found}" for p in members if p.state == "ok")
        bad = "; ".join(f"{p.name}: {p.error}" for p in members if p.state == "broken")
        lacks = ", ".join(f"{p.name} {p.required}".strip() for p in members if p.state == "missing")
        remedy = f"for {purpose}, type: {install_extra(extra)}"
        if bad:
            yield DoctorRow(f"extra {extra}", "broken", bad, remedy)
        elif lacks:
            yield DoctorRow(f"extra {extra}", "missing", f"lacks {lacks}", remedy)
        else:
            yield DoctorRow(f"extra {extra}", "ok", good)


def incomplete(package: str) -> str:
    """Return what is wrong with the files of an installed package: '' where all that its list names are there, in their
    sizes."""
    folder = metadata.distribution(package).locate_file("")
    for file in metadata.files(package) or ():
        if file.size is None:  # a file that the installer made
            continue
        try:
            size = Path(f"{folder}/{file}").stat().st_size
        except OSError:
            return f"{file} is missing"
        if size != file.size:
            return f"{file} has {size} bytes, not {file.size} as installed"
    return ""


def module_of(package: str) -> str:
    """Return the module that a package is imported as."""
    return _MODULES.get(package.lower(), package.replace("-", "_"))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
