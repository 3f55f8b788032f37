"""``export --test`` with folders of pictures: whose names the classes have, and what is said of those without one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.profiler.test_int8_export import NETWORK, export
from tests.support.picture_toys import write_class

pytest.importorskip("PIL.Image")

SIZE, CHANNELS = NETWORK.in_size, NETWORK.c_in
CLASSES = ("ant", "bee", "cat", "dog", "eel")
SCALED = ("--mean", "127.5", "--deviation", "60", "--format", "onnx", "--json")


@pytest.fixture
def val(tmp_path: Path) -> Path:
    for name in CLASSES:
        for seed, colour in enumerate(("blue", "red", "green")):
            write_class(tmp_path / "val" / name / colour, colour, 3, seed=seed + 3 * CLASSES.index(name))
    (tmp_path / "labels.csv").write_bytes("".join(f"{name}\r\n" for name in CLASSES).encode("utf-8-sig"))
    return tmp_path / "val"


def accuracy(folder: Path, capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[float, str]:
    """Percent, and what was said."""
    code = export(folder, "--test", folder / "val", *SCALED, *args)
    shown = capsys.readouterr()
    assert code is None, shown.err
    return float(json.loads(shown.out)["facts"]["onnx"]["accuracy"]), shown.err


def test_a_class_without_pictures_shifts_no_other_by_labels_or_by_those_beside_the_weights(
    val: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.csv"
    whole, said = accuracy(tmp_path, capsys, "--labels", labels)
    assert "has no image" not in said
    assert accuracy(tmp_path, capsys)[0] == whole, "a folder for each class of the head, in order of name"
    assert (tmp_path / "out" / "labels.txt").read_bytes() == "".join(f"{name}\n" for name in CLASSES).encode()
    (val / ".ipynb_checkpoints").mkdir()
    assert accuracy(tmp_path, capsys)[0] == whole
    for name in CLASSES[:-1]:
        shutil.move(val / name, tmp_path / name)
    alone, said = accuracy(tmp_path, capsys, "--labels", labels)
    assert "has no image of 4 of 5 classes: ant, bee, cat, dog; accuracy is of the others" in said
    assert export(tmp_path, "--test", val, *SCALED) == 2
    assert "has 1 class (eel), the network has 5" in capsys.readouterr().err
    shutil.copy(labels, tmp_path / "labels.txt")  # beside weights.npz
    again, said = accuracy(tmp_path, capsys)
    assert again == alone and "classes are named by" in said
    chosen = dict.fromkeys(CLASSES, 0.0)
    shutil.move(val / "eel", tmp_path / "eel")
    for name in CLASSES:  # the same pictures, called by each class in turn: each is chosen by the share it is
        shutil.copytree(tmp_path / "eel", val / name)
        chosen[name] = accuracy(tmp_path, capsys)[0]
        shutil.rmtree(val / name)
    assert chosen["eel"] == alone and sum(chosen.values()) == pytest.approx(100)
    shutil.copytree(tmp_path / "eel", val / "fly")
    assert export(tmp_path, "--test", val, *SCALED) == 2
    assert "has fly, which the network does not have" in capsys.readouterr().err


def test_numbered_labels_are_names_and_that_is_said(
    val: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, _ = accuracy(tmp_path, capsys, "--labels", tmp_path / "labels.csv")
    (tmp_path / "numbered.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(CLASSES)))
    found, said = accuracy(tmp_path, capsys, "--labels", tmp_path / "numbered.txt")
    assert found == whole and "numbers its lines; the classes are called 'ant', not '0 ant'" in said
    assert (tmp_path / "out" / "labels.txt").read_text(encoding="utf-8").split() == list(CLASSES)


def test_pictures_that_cannot_be_used_are_refused_before_anything_is_written(
    val: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "bare.npz", images=np.zeros((2, SIZE, SIZE, CHANNELS), np.uint8))
    np.savez(tmp_path / "ids.npz", images=np.zeros((2, SIZE, SIZE, CHANNELS), np.uint8), labels=np.array([7, 10**12]))
    for name, why in (("bare", "accuracy needs labels"), ("ids", "labels reach from 7 to 1000000000000")):
        assert export(tmp_path, "--test", tmp_path / f"{name}.npz", *SCALED) == 2
        assert why in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
