"""What is made of pictures is shown to nobody who may not see the pictures."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgenas.search.accuracy.image_task import ImageTask, make_run_folder
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.images.open import open_images
from edgenas.training.images.read import read_images
from tests.edgenas.test_cli import edgenas
from tests.edgenas.test_ship import QUICK
from tests.support.listeners import Recorder
from tests.support.picture_toys import write_classes

pytest.importorskip("PIL.Image")


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    """New files are readable by everybody, unless a mode is given."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def private(folder: Path) -> Path:
    """Files 0600 in folders 0700."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


def task(photos: Path) -> ImageTask:
    return ImageTask(open_images(photos), photos.parent / "search.supernet.npz")


def test_decoded_pictures_are_for_their_owner_alone(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o755)  # as earlier versions made it
    source = open_images(private(write_classes(tmp_path / "photos", 10)))
    read_images(source, 8, cache=cache, workers=0)
    assert mode(cache) == 0o700
    (entry,) = cache.iterdir()
    assert mode(entry) == 0o700 and {mode(file) for file in entry.iterdir()} == {0o600}
    data, _ = read_images(source, 8, cache=cache, workers=0)
    assert len(data.train_images) == 24


def test_the_state_of_a_training_is_for_its_owner_alone(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "a.npz", "a").save({"x": np.zeros(3)}, {"step": 1})
    assert mode(tmp_path / "a.npz") == 0o600 and [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("shut", ["", "red", "red/000.png"])
def test_a_run_folder_is_private_where_any_picture_is(tmp_path: Path, shut: str) -> None:
    photos = write_classes(tmp_path / "photos", 3)
    (photos / shut).chmod(0o750 if not shut.endswith("png") else 0o640)
    make_run_folder(tmp_path / "run", task(photos), Recorder(on_message=pytest.fail))
    assert mode(tmp_path / "run") == 0o700


def test_a_run_of_public_pictures_stays_public_and_an_open_folder_is_named(tmp_path: Path) -> None:
    photos, recorder = write_classes(tmp_path / "photos", 3), Recorder()
    said = recorder.messages
    make_run_folder(tmp_path / "run", task(photos), recorder)
    make_run_folder(tmp_path / "demo", None, recorder)
    assert mode(tmp_path / "run") == mode(tmp_path / "demo") == 0o755 and said == []
    private(photos)
    make_run_folder(tmp_path / "run", task(photos), recorder)
    assert mode(tmp_path / "run") == 0o755, "a folder of the user's is not changed"
    (text,) = said
    assert "other users can read" in text and text.endswith(f"type: chmod 700 {tmp_path / 'run'}")


def test_arrays_and_their_mode(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=pixels, labels=np.arange(12) % 2)
    assert not open_images(tmp_path / "a.npz").private
    (tmp_path / "a.npz").chmod(0o600)
    assert open_images(tmp_path / "a.npz").private


@pytest.mark.slow
def test_ship_makes_a_private_run_of_private_pictures(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    private(write_classes(tmp_path / "photos", 20))
    args = ("--budget-ms", "1", "--images", "photos", "--set", "winner.batch=4096", *QUICK[:-4], "-o", "mine")
    assert "batch=4096 is more than" in edgenas("ship", "nas_bench_macro", *args, cwd=tmp_path, check=2).stderr
    assert mode(tmp_path / "mine") == 0o700
