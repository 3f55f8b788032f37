"""Completion as a shell asks for it: through bash itself, and through the environment that click's scripts use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from edgenas.cli import VERBS, completions

DEVICES = """[devices.pi4]
kind = "ssh"
host = "pi4"
pool = "pis"

[devices.pixel]
kind = "adb"
"""


def completed(cwd: Path, *words: str) -> list[str]:
    """What Tab offers after ``edgenas WORDS``, the last of which is being typed."""
    env = {
        "_EDGENAS_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("edgenas", *words)),
        "COMP_CWORD": str(len(words)),
    }
    argv = [sys.executable, "-m", "edgenas"]
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    return [value for kind, _, value in (line.partition(",") for line in done.stdout.splitlines()) if kind == "plain"]


def test_verbs_and_options(tmp_path: Path) -> None:
    assert completed(tmp_path, "") == list(VERBS)
    assert completed(tmp_path, "de") == ["demo", "devices"]
    assert completed(tmp_path, "table", "v") == ["validate"]
    assert completed(tmp_path, "search", "digits", "--budget-m") == [
        "--budget-ms",
        "--budget-macs",
        "--budget-mb",
        "--budget-memory-mb",
    ]


def test_names(tmp_path: Path) -> None:
    assert completed(tmp_path, "search", "nas") == ["nas_bench_macro"]
    assert completed(tmp_path, "profile", "mobilenet_v3_s") == [
        "mobilenet_v3_small",
        "mobilenet_v3_small_relu6",
        "mobilenet_v3_small_same",
    ]
    assert completed(tmp_path, "search", "digits", "--algorithm", "r") == [
        "random",
        "regularized_evolution",
        "reinforce",
    ]
    assert completed(tmp_path, "profile", "digits", "--runtime", "o") == ["onnxruntime", "onnxruntime_perf_test"]
    assert completed(tmp_path, "profile", "digits", "--precision", "") == ["fp32", "int8"]
    assert completed(tmp_path, "table", "import", "t.csv", "--format", "f") == ["fbnet"]


def test_devices_and_pools(tmp_path: Path) -> None:
    assert completed(tmp_path, "profile", "digits", "--device", "") == ["local"]
    (tmp_path / "devices.toml").write_text(DEVICES)
    assert completed(tmp_path, "profile", "digits", "--device", "") == ["local", "pi4", "pixel"]
    assert completed(tmp_path, "profile", "digits", "--pool", "") == ["pis"]
    assert completed(tmp_path, "devices", "check", "pi4", "pix") == ["pixel"]
    (tmp_path / "other.toml").write_text('[devices.shelf]\nkind = "local"\n')
    assert completed(tmp_path, "verify", "m.onnx", "--inventory", "other.toml", "--device", "s") == ["shelf"]
    assert completed(tmp_path, "devices", "--inventory", "other.toml", "facts", "s") == ["shelf"]
    (tmp_path / "devices.toml").write_text("[devices")
    assert completed(tmp_path, "devices", "facts", "") == ["local"]


def test_tables(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for name in ("pi4.jsonl", "pixel.jsonl", "pi4.csv", "runs/pi5.jsonl", ".hidden.jsonl"):
        (tmp_path / name).write_text("")
    assert completed(tmp_path, "table", "show", "") == ["pi4.jsonl", "pixel.jsonl", "runs/"]
    assert completed(tmp_path, "search", "digits", "--table", "pi") == ["pi4.jsonl", "pixel.jsonl"]
    assert completed(tmp_path, "table", "diff", "pi4.jsonl", "runs/") == ["runs/pi5.jsonl"]
    assert completed(tmp_path, "table", "show", "nothing") == []  # the shell's own files then


def test_names_are_those_there_are() -> None:
    from edgenas.cli.devices import preparation
    from edgenas.latency_tables.importers import FORMATS
    from edgenas.latency_tables.statistics.estimates import STATISTICS
    from edgenas.profiler.export import quantize
    from edgenas.profiler.runtimes import RUNTIMES
    from edgenas.search.accuracy.image_task import NAMES
    from edgenas.search.algorithms.by_name import ALGORITHMS
    from edgenas.training.losses import LOSSES

    assert tuple(ALGORITHMS) == completions.ALGORITHMS
    assert tuple(RUNTIMES) == completions.RUNTIMES
    assert tuple(FORMATS) == completions.FORMATS
    assert completions.INSTALLABLE == preparation._INSTALLABLE
    assert get_args(quantize.Precision) == completions.PRECISIONS
    assert completions.MEASURED == quantize.MEASURED
    assert set(completions.STATISTICS) == {*STATISTICS, "mean"}
    assert tuple(LOSSES) == completions.LOSSES
    assert set(completions.JUDGES) == {"digits", *NAMES}


@pytest.mark.parametrize("words", [["prof"], ["search", "nas"], ["profile", "digits", "--device", ""]])
def test_tab_loads_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom edgenas.cli import main\ntry:\n    main([])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'torch', 'onnx', 'pandas', 'scipy', 'rich', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    env = {
        "_EDGENAS_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("edgenas", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stdout, done.stderr


def test_scripts(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "edgenas", "completion"]
    for shell, word in {"bash": "complete -o", "zsh": "compdef", "fish": "complete --no-files"}.items():
        done = subprocess.run([*argv, shell, "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        told = json.loads(done.stdout)
        assert word in told["script"] and "_EDGENAS_COMPLETE" in told["script"] and shell in told["line"]


def run_in(shell: str, script: str, tmp_path: Path) -> str:
    """What a script prints, with an ``edgenas`` on its path."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "edgenas"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m edgenas "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run([shell, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_real_bash(tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text(DEVICES)
    script = (
        'eval "$(edgenas completion bash)"\ncomplete -p edgenas\n'
        "COMP_WORDS=(edgenas profile digits --device pi); COMP_CWORD=4; COMPREPLY=()\n"
        'f=$(complete -p edgenas | sed "s/.*-F //; s/ .*//"); $f edgenas; echo "${COMPREPLY[@]}"\n'
    )
    assert run_in("bash", script, tmp_path).splitlines()[-1] == "pi4 pixel"


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_real_fish(tmp_path: Path) -> None:
    script = "edgenas completion fish | source; complete -C 'edgenas search nas'"
    assert run_in("fish", script, tmp_path).splitlines() == ["nas_bench_macro"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_real_zsh_takes_the_script(tmp_path: Path) -> None:
    script = 'autoload -U compinit; compinit -D; eval "$(edgenas completion zsh)"; print $_comps[edgenas]'
    assert run_in("zsh", script, tmp_path).strip() == "_edgenas_completion"
