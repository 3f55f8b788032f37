"""What is installed: one top-level name, every module and data file, and no quarrel with a user's own modules."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_rooms import ROOMS, dotted, sources

#: modules of a user's own that have the names of rooms
OWN = {name: f"MINE = {name!r}\n" for name in ("search", "blocks", "devices", "profiler", "training", "base")}


def run(argv: list[str], cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        argv, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that is made from it; what git tracks or would track is the
    source, so that nothing of this machine gets in."""
    pytest.importorskip("build")
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    try:
        listed = run(["git", "ls-files", "-co", "--exclude-standard"], ROOT)
    except (AssertionError, OSError):
        pytest.skip("not a git checkout")
    for name in listed.splitlines():
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_symlink():
                (copy / name).symlink_to((ROOT / name).readlink())
            else:
                (copy / name).write_bytes((ROOT / name).read_bytes())
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out)], copy)
    return out


@pytest.mark.slow
def test_the_wheel_has_one_top_level_name_and_everything(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"edgenas"}
    expected = {dotted(p).replace(".", "/") for p in sources()}
    assert {n.removesuffix(".py").removesuffix("/__init__") for n in names if n.endswith(".py")} >= expected
    assert {"edgenas/py.typed", "edgenas/report/static/predict.py"} <= names
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        inside = {name.partition("/")[2] for name in tar.getnames()}
    assert {"search/space.py", "LICENSE", "README.md"} <= inside


@pytest.mark.slow
def test_the_wheel_works_without_a_checkout_beside_modules_of_the_same_names(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    site = tmp_path / "site"
    run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(site), str(wheel)],
        tmp_path)  # fmt: skip
    mine = tmp_path / "mine"
    mine.mkdir()
    for name, text in OWN.items():
        (mine / f"{name}.py").write_text(text)
    # -I would hide the user's folder; the installed copy comes before this checkout on the path
    env = {"PYTHONPATH": os.pathsep.join([".", str(site)])}
    code = (
        "import search, blocks, devices, profiler, training, base, edgenas.cli, edgenas.search.space\n"
        "assert (search.MINE, blocks.MINE, base.MINE) == ('search', 'blocks', 'base')\n"
        "print(edgenas.search.space.__file__)"
    )
    assert run([sys.executable, "-c", code], mine, **env).strip() == str(site / "edgenas/search/space.py")
    assert "mobilenet_v2" in run([sys.executable, "-m", "edgenas", "spaces"], mine, **env)


@pytest.mark.parametrize("first", ["edgenas", "own"])
def test_own_modules_and_edgenas_live_side_by_side(first: str, tmp_path: Path) -> None:
    """As beside a notebook: the folder of the user's files comes first on the path."""
    for name, text in OWN.items():
        (tmp_path / f"{name}.py").write_text(text)
    lines = [
        "import edgenas.search.spaces, edgenas.blocks.spec, edgenas.devices.inventory, edgenas.profiler.plan",
        "import search, blocks, devices, profiler",
    ]
    code = "\n".join(
        [*(lines if first == "edgenas" else lines[::-1]), "print(search.MINE, edgenas.search.spaces.__name__)"]
    )
    assert run([sys.executable, "-c", code], tmp_path).split() == ["search", "edgenas.search.spaces"]


@pytest.mark.slow
def test_a_command_runs_beside_them(tmp_path: Path) -> None:
    for name, text in OWN.items():
        (tmp_path / f"{name}.py").write_text(text)
    assert "mobilenet_v2" in run([sys.executable, "-m", "edgenas", "spaces"], tmp_path, PYTHONPATH=".")


def test_every_room_is_a_room() -> None:
    assert set(OWN) <= set(ROOMS)
