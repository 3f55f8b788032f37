"""``edgenas doctor``: what is there, what is broken, and what to type; nothing that is broken breaks it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edgenas.cli.doctor import packages
from edgenas.cli.doctor.links import adb_rows, inventory_rows, ssh_rows
from edgenas.cli.doctor.loading import load
from edgenas.cli.doctor.machine import folder_rows
from edgenas.cli.doctor.packages import DEVELOPERS, EXTRAS, InstalledPackage, extra_rows, module_of, own_rows
from tests.conftest import ROOT


def doctor(*args: str | Path, cwd: Path, check: int, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "edgenas", "doctor", *map(str, args)]
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=200)
    assert done.returncode == check, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done


def package(folder: Path, name: str, code: str) -> None:
    """A package that hides the one installed."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(code)


def test_modules_are_loaded_apart_from_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "raises_it", "raise ValueError('two\\nlines')")
    package(tmp_path, "exits_it", "raise SystemExit(3)")
    package(tmp_path, "crashes_it", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    package(tmp_path, "prints_it", "print('ok other'); print('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = load(["json", "raises_it", "exits_it", "crashes_it", "prints_it", "not_there_at_all", "csv"])
    assert found["json"] == found["csv"] == found["prints_it"] == ""
    assert found["raises_it"] == "ValueError: two lines"
    assert found["exits_it"] == "SystemExit: 3"
    assert found["crashes_it"] == "killed by signal 11"
    assert found["not_there_at_all"].startswith("ModuleNotFoundError")


def test_a_module_that_hangs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "hangs_it", "import time; time.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert load(["hangs_it"], limit_s=1) == {"hangs_it": "is not loaded after 1 s"}


def test_every_requirement_is_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {name: needs for name, needs in project["optional-dependencies"].items() if needs}
    assert set(extras) == set(EXTRAS)
    own = {Requirement(text).name for text in project["dependencies"]}
    assert {*packages.APART, *packages.RUN} <= own
    for extra, texts in {"": project["dependencies"], **extras}.items():
        for name in (Requirement(text).name for text in texts if extra not in DEVELOPERS):
            try:
                files = metadata.distribution(name).files or []
            except metadata.PackageNotFoundError:
                continue
            tops = {file.parts[0] for file in files}
            assert {module_of(name), f"{module_of(name)}.py"} & tops, name


def test_a_package_that_is_not_loaded_has_all_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (info / "RECORD").write_text("toy.py,,5\ntoy-1.0.dist-info/RECORD,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert packages.incomplete("toy") == "toy.py is missing"
    (tmp_path / "toy.py").write_text("x")
    assert packages.incomplete("toy") == "toy.py has 1 bytes, not 5 as installed"
    (tmp_path / "toy.py").write_text("x = 1")
    assert packages.incomplete("toy") == ""


@pytest.mark.slow
def test_large_packages_are_loaded_only_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(packages, "load", lambda modules: loaded.extend(modules) or dict.fromkeys(modules, ""))
    assert {p.state for p in packages.packages() if p.name in packages.HEAVY} <= {"ok", "missing"}
    assert "click" in loaded and not {module_of(name) for name in packages.HEAVY} & set(loaded)
    loaded.clear()
    packages.packages(load_all=True)
    assert "pandas" in loaded


def test_rows_of_packages() -> None:
    found = [
        InstalledPackage("numpy", "", ">=1.26", "1.20", "broken", "1.20 is installed, required is >=1.26"),
        InstalledPackage("pandas", "", ">=2.1", "", "missing"),
        InstalledPackage("click", "", ">=8.1", "8.3", "ok"),
        InstalledPackage("ray", "distributed", ">=2.40", "2.60", "broken", "ImportError: no"),
        InstalledPackage("torch", "train", ">=2.5,<2.14", "", "missing"),
        InstalledPackage("scikit-learn", "train", ">=1.4", "1.5", "ok"),
    ]
    own = {row.what: row for row in own_rows(found)}
    assert own["packages"].finding == "click 8.3"
    assert (own["numpy"].needed, own["pandas"].needed) == (True, False)
    assert re.fullmatch(
        r"for measuring, type: (\S+ -m )?pip install --force-reinstall 'numpy>=1\.26'", own["numpy"].remedy
    )
    extras = {row.what: row for row in extra_rows(found)}
    assert (extras["extra distributed"].state, extras["extra distributed"].finding) == (
        "broken",
        "ray: ImportError: no",
    )
    assert (extras["extra train"].state, extras["extra train"].finding) == ("missing", "lacks torch >=2.5,<2.14")
    assert extras["extra train"].remedy.endswith("pip install 'edgenas[train]'")
    assert not any(row.needed for row in extras.values())


def test_an_inventory_that_is_named_must_exist(tmp_path: Path) -> None:
    done = doctor("--inventory", "gone.toml", cwd=tmp_path, check=2)
    assert "gone.toml: No such file or directory; name an existing devices.toml" in done.stderr


def test_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (alone,) = inventory_rows(None)
    assert alone.state == "ok" and "this machine alone" in alone.finding
    tool = tmp_path / "benchmark_model"
    tool.write_bytes(b"tool")
    Path("devices.toml").write_text(
        f'[devices.pi4]\nkind = "ssh"\nhost = "pi4.invalid"\nuser = "pi"\n\n[devices.pixel]\nkind = "adb"\n'
        f'benchmark_model = "{tool}"\nbenchmark_model_sha256 = "{"0" * 64}"\n'
    )
    written, named = inventory_rows(None)
    assert "pi4 (ssh), pixel (adb)" in written.finding and "edgenas devices check" in written.remedy
    assert (named.what, named.state) == ("pixel: benchmark_model", "broken")
    Path("devices.toml").write_text("[devices.pi4]\nkind = 'boat'\n")
    (broken,) = inventory_rows(None)
    assert broken.state == "broken" and "boat" in broken.finding
    (gone,) = inventory_rows(Path("elsewhere.toml"))
    assert gone.state == "broken" and "elsewhere.toml" in gone.finding


def test_ssh_and_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    keys = {row.what: row for row in ssh_rows({"paramiko"})}
    assert keys["ssh keys"].state == "missing" and "ssh-keygen" in keys["ssh keys"].remedy
    assert keys["enrolled boards"].finding.startswith("0 in")
    (tmp_path / ".ssh").mkdir()
    key = tmp_path / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    assert {row.what: row for row in ssh_rows({"paramiko"})}["ssh keys"].finding == f"{key}; agent: none"
    key.chmod(0o644)
    assert "chmod 600" in {row.what: row for row in ssh_rows({"paramiko"})}["ssh keys"].remedy
    (tmp_path / "edgenas").mkdir()
    (tmp_path / "edgenas" / "known_hosts").write_text("nonsense\n")
    assert {row.what: row.state for row in ssh_rows(set())}["ssh keys"] == "broken"
    assert {row.what: row.state for row in ssh_rows({"paramiko"})}["enrolled boards"] == "broken"
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "1")  # where nothing runs
    program, server = adb_rows({"adbutils"})
    assert program.state == "ok"
    assert server.finding == "none runs on port 1; edgenas starts one when a phone is used"
    assert [row.state for row in adb_rows(set())] == ["broken"]


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not" / "yet"))
    assert {row.what: row.state for row in folder_rows()}["cache folder"] == "ok"
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    row = next(row for row in folder_rows() if row.what == "cache folder")
    assert (row.state, row.needed) == ("broken", True) and "XDG_CACHE_HOME" in row.remedy


@pytest.mark.slow
def test_what_runs_here(tmp_path: Path) -> None:
    told = json.loads(doctor("--json", cwd=tmp_path, check=0).stdout)
    rows = {row["what"]: row for row in told["rows"]}
    assert told["ok"]
    for runtime in ("litert", "onnxruntime"):
        assert rows[runtime]["state"] == "ok" and "ran a block" in rows[runtime]["finding"]
    assert {"python", "load", "temporary folder", "inventory", "ssh client", "adb"} <= set(rows)
    numpy = next(p for p in told["packages"] if p["name"] == "numpy")
    assert numpy["found"] == metadata.version("numpy") and numpy["required"] == ">=1.26"


@pytest.mark.slow
def test_broken_packages_are_rows(tmp_path: Path) -> None:
    for name in ("pymoo", "pydantic", "paramiko", "rich"):
        package(tmp_path / "broken", name, "raise RuntimeError('bent')")
    package(tmp_path / "broken", "onnxruntime", "import os; os.abort()")
    done = doctor(cwd=tmp_path, check=1, PYTHONPATH=str(tmp_path / "broken"))  # plain lines, since rich is broken
    cells = [re.split("  +", line) for line in done.stdout.splitlines()]
    rows = {row[0]: row[1:] for row in cells}
    assert rows["extra baselines"][:2] == ["broken", "pymoo: RuntimeError: bent"]
    assert rows["rich"][:2] == rows["pydantic"][:2] == rows["paramiko"][:2] == ["broken", "RuntimeError: bent"]
    assert rows["onnxruntime"][0] == "broken" and "pip install --force-reinstall onnxruntime" in rows["onnxruntime"][2]
    assert "onnxruntime" in done.stderr and "paramiko" not in done.stderr
