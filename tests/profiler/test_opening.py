"""Damaged model files: one error each, and never a traceback or a signal in this process."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights
from edgenas.profiler.export import WRITERS
from edgenas.profiler.export.integer import computed_in, weight_bits
from edgenas.profiler.export.opening import Opening, faults, read_models
from edgenas.profiler.export.run import ends, run_model

NETWORK = tuple(
    BlockSpec.parse(t) for t in ("conv-16x3-o8-k3-s2-hswish", "ir-8x8-m16-o8-k3-s1-se8-hswish-res", "head-8x8-o4")
)


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    weights = network_random_weights(NETWORK)
    return {kind: writer(NETWORK, weights) for kind, writer in WRITERS.items()}


def damaged(model: bytes, cases: int, seed: int) -> list[bytes]:
    """Files that end early, and files with a few changed bytes, most of them outside of the weights."""
    chance = random.Random(seed)
    found = []
    for case in range(cases):
        content = bytearray(model)
        if case % 3 == 0:
            del content[chance.randrange(len(content)) :]
        for _ in range(chance.choice([1, 1, 2, 8]) if case % 3 else 0):
            at = chance.choice([chance.randrange(len(content)), chance.randrange(min(4096, len(content)))])
            content[at] = chance.choice([0, 0x7F, 0x80, 0xFF, content[at] ^ 1 << chance.randrange(8)])
        found.append(bytes(content))
    return found


def written(folder: Path, contents: list[bytes], kind: str) -> list[Path]:
    paths = [folder / f"{number}.{kind}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def check(tmp_path: Path, models: dict[str, bytes], cases: int, seed: int, how: Opening) -> None:
    """Each file is refused with one line, or this process opens it just as the child did."""
    for kind, model in models.items():
        contents = damaged(model, cases, seed)
        paths = written(tmp_path, contents, kind)
        found = faults(paths, how)
        assert len(found) == cases
        assert all(why.isprintable() for why in found)
        assert any(found)
        for content, why in zip(contents, found, strict=True):
            if not why:
                assert computed_in(content) in ("fp32", "int8")
                weight_bits(content)
            if not why and how == "pictures":
                assert len(ends(content).shape) == 3


def test_whole_files_open(tmp_path: Path, whole: dict[str, bytes]) -> None:
    paths = [tmp_path / f"whole.{kind}" for kind in whole]
    for path, content in zip(paths, whole.values(), strict=True):
        path.write_bytes(content)
    assert faults(paths, "pictures") == ["", ""]
    assert read_models(paths) == list(whole.values())
    assert run_model(whole["tflite"], np.zeros((1, 16, 16, 3), np.float32)).shape == (1, 4)


def test_damaged_files_are_refused_or_open(tmp_path: Path, whole: dict[str, bytes]) -> None:
    check(tmp_path, whole, 30, 0, "operators")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_more_damaged_files(tmp_path: Path, whole: dict[str, bytes], seed: int) -> None:
    check(tmp_path, whole, 150, seed, "operators" if seed % 2 else "pictures")


def test_what_is_said(tmp_path: Path, whole: dict[str, bytes]) -> None:
    tflite, onnx = whole["tflite"], whole["onnx"]
    name = tflite.index(b"conv", 100)
    cases = {
        "random.tflite": b"\0\0\0\0TFL3" + random.Random(0).randbytes(5000),
        "zeros.tflite": b"\x08\0\0\0TFL3" + bytes(5000),
        "half.tflite": tflite[: len(tflite) // 2],
        "half.onnx": onnx[: len(onnx) // 2],
        "begin.onnx": onnx[:2],
        "empty.onnx": b"",
        "text.onnx": b"not a model",
    }
    for file, content in cases.items():
        (tmp_path / file).write_bytes(content)
    assert all(faults([tmp_path / file for file in cases], "operators"))
    with pytest.raises(InputError, match=r"half\.onnx is damaged, or no model of a network: .*; export or fetch it"):
        read_models([tmp_path / "half.onnx"])
    (tmp_path / "named.tflite").write_bytes(tflite[:name] + b"\xff\xfe\xff" + tflite[name + 3 :])
    read_models([tmp_path / "named.tflite"])  # the name of a tensor is of no use here


def test_a_file_that_kills_or_hangs_ends_only_the_child(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child is replaced by one that dies at its second file: the others are still looked at."""
    good = tmp_path / "good.onnx"
    good.write_bytes(whole["onnx"])
    script = tmp_path / "child.py"
    script.write_text(
        "import os, sys\n"
        "for path in sys.argv[1:]:\n"
        "    if 'bad' in path:\n"
        "        os.kill(os.getpid(), 11)\n"
        '    print(\'{"why": ""}\', flush=True)\n'
    )
    from edgenas.profiler.export import opening

    real = opening.run

    def killed(argv: list[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        return real([sys.executable, str(script), *argv[5:]], timeout_s=timeout_s)

    monkeypatch.setattr(opening, "run", killed)
    found = faults([good, tmp_path / "bad.onnx", good], "operators")
    assert found == ["", "it kills the process that opens it (SIGSEGV)", ""]


@pytest.mark.parametrize("verb", ["verify", "sustain", "images"])
def test_every_verb_refuses_before_it_measures(tmp_path: Path, whole: dict[str, bytes], verb: str) -> None:
    path = tmp_path / "half.tflite"
    path.write_bytes(whole["tflite"][:3000])
    with pytest.raises(InputError, match=r"half\.tflite is damaged, or no model of a network"):
        if verb == "verify":
            edgenas.verify(path)
        elif verb == "sustain":
            edgenas.sustain(path, time="1m")
        else:
            edgenas.verify_images(path, images=tmp_path)
