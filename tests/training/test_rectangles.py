"""Pictures that are not square and arrays of any number of channels: read, varied, and trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.reference import reference
from edgenas.blocks.size import ImageSize, Rectangle, axes
from edgenas.training.data import ImageData
from edgenas.training.digits import digits
from edgenas.training.images.open import open_images
from edgenas.training.images.read import read_images
from edgenas.training.pictures import Scaling, read_pictures
from tests.support.picture_toys import write_class, write_classes
from tests.support.training_toys import QUICK

pytest.importorskip("PIL.Image")

WIDE = Rectangle(24, 16)


def read(path: Path, size: ImageSize, channels: int = 3) -> tuple[ImageData, tuple[str, ...]]:
    return read_images(open_images(path), size, channels, cache=path.parent / "cache", workers=0)


def write_arrays(path: Path, channels: int, shape: tuple[int, int] = (16, 24), count: int = 90) -> Any:
    """Three classes that differ in the last channel alone."""
    rng, labels = np.random.default_rng(0), np.arange(count) % 3
    images = rng.integers(0, 256, (count, *shape, channels), dtype=np.uint8)
    images[..., -1] = (images[..., -1] // 4 + 64 * labels[:, None, None]).astype(np.uint8)
    np.savez(path, images=images, labels=labels)
    return images


def test_pictures_are_scaled_to_width_and_height(tmp_path: Path) -> None:
    for colour in ("red", "green"):
        write_class(tmp_path / "photos" / colour, colour, 20, size=(48, 32))
    data, notes = read(tmp_path / "photos", WIDE)
    assert data.train_images.shape[1:] == (16, 24, 3) and data.in_size == WIDE and data.name == "photos-24x16"
    assert not any("enlarged" in note for note in notes)
    tall, notes = read(tmp_path / "photos", Rectangle(24, 40))
    assert tall.train_images.shape[1:] == (40, 24, 3)
    assert "40 images smaller than 24x40 pixels, enlarged" in notes


def test_a_picture_is_not_stretched(tmp_path: Path) -> None:
    """A square picture in a wide frame loses its top and bottom, and keeps its left and right edge."""
    from PIL import Image

    from edgenas.training.images.decode import fitted

    levels = np.zeros((24, 24, 3), np.uint8)
    levels[:, :2], levels[:2] = (255, 0, 0), (0, 0, 255)
    cut, _ = fitted(Image.fromarray(levels), WIDE, 3)
    assert np.array_equal(cut, levels[4:20])


@pytest.mark.parametrize("channels", [2, 4, 6])
def test_arrays_keep_their_channels(tmp_path: Path, channels: int) -> None:
    images = write_arrays(tmp_path / "a.npz", channels)
    data, _ = read(tmp_path / "a.npz", WIDE, channels)
    assert data.channels == channels == len(data.mean) == len(data.deviation)
    kept = {row.tobytes() for part in (data.train_images, data.validation_images, data.test_images) for row in part}
    assert kept == {row.tobytes() for row in images}
    smaller, _ = read(tmp_path / "a.npz", Rectangle(12, 8), channels)
    assert smaller.train_images.shape[1:] == (8, 12, channels)
    last = [smaller.train_images[smaller.train_labels == label][..., -1].mean() for label in range(3)]
    assert last == pytest.approx([32, 96, 160], abs=3)  # channels are not mixed


def test_four_channels_are_also_transparency(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", 4)
    data, notes = read(tmp_path / "a.npz", 8, 3)
    assert data.channels == 3 and "90 images transparent, put on white" in notes


@pytest.mark.parametrize(
    ("channels", "wanted", "why"),
    [
        (6, 3, "the arrays have 6 channels, and the network takes 3; give --channels 6"),
        (4, 6, "the arrays have 4 channels, and the network takes 6; give --channels 1 or 3 or 4"),
        (3, 4, "images become grey or RGB, 1 or 3 channels, and the network takes 4"),
    ],
)
def test_other_channels_are_refused(tmp_path: Path, channels: int, wanted: int, why: str) -> None:
    write_arrays(tmp_path / "a.npz", channels)
    with pytest.raises(InputError, match=why):
        read(tmp_path / "a.npz", 8, wanted)
    assert not (tmp_path / "cache").exists()


def test_folders_have_no_further_channels(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos", 12)
    with pytest.raises(InputError, match=r"the network takes 4; give --channels 1 or 3, or the images as an \.npz"):
        read(tmp_path / "photos", 8, 4)
    with pytest.raises(InputError, match=r"1 or 3 channels, and the network takes 4; give an \.npz .*\(n, 16, 24, 4\)"):
        read_pictures(tmp_path / "photos", WIDE, 4, Scaling((1.0,), (1.0,)))


def test_parts_with_different_channels_are_refused(tmp_path: Path) -> None:
    labels = np.arange(9) % 3
    train, test = (np.zeros((9, 8, 8, channels), np.uint8) for channels in (5, 6))
    np.savez(tmp_path / "a.npz", x_train=train, y_train=labels, x_test=test, y_test=labels)
    with pytest.raises(InputError, match="its parts have 5 and 6 channels; give all of them one number"):
        open_images(tmp_path / "a.npz")


def test_arrays_to_test_and_calibrate_on(tmp_path: Path) -> None:
    images = write_arrays(tmp_path / "a.npz", 6)
    found = read_pictures(tmp_path / "a.npz", WIDE, 6, Scaling((100.0,), (50.0,)), classes=3)
    assert np.allclose(found.images, (images.astype(np.float32) - 100) / 50) and found.labels is not None
    with pytest.raises(InputError, match=r"the network takes float32 or uint8 \(n, 24, 16, 6\)"):
        read_pictures(tmp_path / "a.npz", Rectangle(16, 24), 6, Scaling())


def test_the_digits_are_square() -> None:
    with pytest.raises(InputError, match="in_size=24x16 must be one number, for the digits are square images"):
        digits(WIDE)


def test_shifts_move_rows_and_columns_of_a_rectangle() -> None:
    torch = pytest.importorskip("torch")
    from edgenas.training.augmentation import varied

    images = torch.arange(5 * 9, dtype=torch.float32).reshape(1, 1, 5, 9).repeat(64, 1, 1, 1) + 1
    moved = varied(images, replace(QUICK, shift=2), np.random.default_rng(0))
    padded = np.pad(images[0, 0].numpy(), 2)
    possible = {padded[y : y + 5, x : x + 9].tobytes() for y in range(5) for x in range(5)}
    assert moved.shape == images.shape
    assert len({one.numpy().tobytes() for one in moved[:, 0]} & possible) > 15
    assert {one.numpy().tobytes() for one in moved[:, 0]} <= possible


@pytest.mark.slow
def test_a_network_learns_the_last_of_six_channels(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from edgenas.training.network import train

    write_arrays(tmp_path / "a.npz", 6, count=240)
    data, _ = read(tmp_path / "a.npz", WIDE, 6)
    network = reference("mobilenet_v3_small", WIDE, classes=3, channels=6)
    assert axes(network.in_size) == (16, 24)
    recipe = replace(QUICK, epochs=8, batch=16, optimizer="adamw", lr=0.005)
    assert train(network, data, recipe, seed=0).accuracy > 60


def test_shrinking_needs_both_sides(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from edgenas.training.network import check_fit

    write_arrays(tmp_path / "a.npz", 6)
    data, _ = read(tmp_path / "a.npz", WIDE, 6)
    network = reference("mobilenet_v3_small", WIDE, classes=3, channels=6)
    check_fit(network, data, replace(QUICK, shrink=2))
    with pytest.raises(InputError, match="images of 24x16 pixels do not shrink by 3"):
        check_fit(network, data, replace(QUICK, shrink=3))
    with pytest.raises(InputError, match="takes 16x24x6 images and ends in 3 classes, but a-24x16 has 24x16x6 images"):
        check_fit(reference("mobilenet_v3_small", Rectangle(16, 24), classes=3, channels=6), data, QUICK)
