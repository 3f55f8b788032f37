"""``adaptive.py`` in fresh environments with numpy and one runtime, on the oldest Python at hand and on this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.edgenas.adaptive.test_program import PIXELS, right
from tests.support.menu_toys import write_toy_menu


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runtime", "python"), [("ai-edge-litert", "oldest"), ("ai-edge-litert", "own"), ("onnxruntime", "own")]
)
def test_it_needs_numpy_and_one_runtime_alone(tmp_path: Path, runtime: str, python: str) -> None:
    write_toy_menu(tmp_path / "menu", formats=("tflite", "onnx"))
    program_of = sys.executable if python == "own" else oldest_python()
    if program_of is None:
        pytest.skip("no Python 3.9 or 3.10 on this machine")
    venv = tmp_path / "venv"
    subprocess.run([program_of, "-m", "venv", str(venv)], check=True, timeout=120)
    install = [str(venv / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "numpy", runtime]
    done = subprocess.run(install, capture_output=True, text=True, timeout=280)
    if done.returncode:
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1][:120]}")
    np.save(tmp_path / "x.npy", PIXELS)
    code = (
        "import sys, numpy as np; sys.path.insert(0, sys.argv[1]); from adaptive import AdaptiveModel\n"
        "m = AdaptiveModel(sys.argv[1]); x = np.load(sys.argv[2])\n"
        "for _ in range(50): s = m(x)\n"
        "print(m.now, m.runtime.name, m.frames, *s.ravel().tolist())"
    )
    argv = [str(venv / "bin/python"), "-I", "-c", code, str(tmp_path / "menu"), str(tmp_path / "x.npy")]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "home")}
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=env)
    assert ran.returncode == 0, ran.stderr
    name, kind, frames, *scores = ran.stdout.split()
    assert frames == "50" and kind.startswith("onnxruntime" if runtime == "onnxruntime" else ("litert", "interpreter"))
    np.testing.assert_allclose([list(map(float, scores))], right(tmp_path / "menu", name), rtol=1e-3, atol=1e-4)


def oldest_python() -> str | None:
    """A Python 3.9 or 3.10 of this machine, which ``tools/check`` does not run on."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for minor in (9, 10) for path in sorted(root.glob(f"3.{minor}.*/bin/python3"))]
    return next((one for one in [*found, *filter(None, map(shutil.which, ("python3.9", "python3.10")))]), None)
