"""Pictures of phones and cameras, and labels of arrays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.training.images import decode
from edgenas.training.images.open import open_images
from edgenas.training.images.source import PictureSource
from tests.support.picture_toys import write_classes
from tests.training.test_picture_folders import as_test, brightest, labels

image_module = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("suffix", ["heic", "HEIF", "avif", "jpe", "mpo", "jfif", "dib"])
def test_pictures_of_phones_and_cameras_are_read(tmp_path: Path, suffix: str) -> None:
    kind = {"heic": "HEIF", "heif": "HEIF", "avif": "AVIF", "mpo": "MPO", "dib": "DIB"}.get(suffix.lower(), "JPEG")
    if kind == "HEIF":
        pytest.importorskip("pillow_heif")
        assert decode.reads_heif()
    photos = write_classes(tmp_path / "photos", 1)
    image_module.new("RGB", (32, 24), (200, 20, 20)).save(photos / "red" / f"IMG.{suffix}", kind)
    found = as_test(photos)
    assert labels(found) == brightest(found) == [0, 1, 2, 2]
    assert len(open_images(photos).items) == 4


def test_heic_without_its_package_names_the_extra_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_classes(tmp_path / "photos", 2)
    (photos / "red" / "IMG.HEIC").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    decode.reads_heif.cache_clear()
    try:
        for read in (open_images, as_test):
            with pytest.raises(MissingExtraError, match=r"IMG.HEIC .*needs pillow-heif.*pip install 'edgenas\[heic\]'"):
                read(photos)
    finally:
        decode.reads_heif.cache_clear()


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ([1, 2, 3] * 4, r"labels are 1 to 3, and class numbers begin at 0; store labels - 1"),
        ([7, 10**12, 40] * 4, r"labels are 3 different numbers from 7 to 1000000000000.*numpy.unique"),
        ([0, 1, 2**64 - 1] * 4, r"labels are 3 different numbers from 0 to 18446744073709551615"),
    ],
)
def test_labels_that_are_no_class_numbers_are_named_and_nothing_is_allocated_by_them(
    tmp_path: Path, numbers: list[int], why: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    held: dict[str, Any] = {"images": pixels, "labels": np.array(numbers, np.uint64)}
    np.savez(tmp_path / "a.npz", **held)
    with pytest.raises(InputError, match=why):
        open_images(tmp_path / "a.npz")
    with pytest.raises(InputError, match="store labels - 1" if max(numbers) == 3 else "labels reach from"):
        as_test(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", images=pixels, labels=np.zeros((12, 1), np.int64))
    assert "no image of 2 of 3 classes: green, red" in as_test(tmp_path / "a.npz").notes[0]


def test_class_names_in_arrays_follow_the_same_rule(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)

    def held(classes: Any) -> PictureSource:
        np.savez(tmp_path / "a.npz", images=pixels, labels=np.arange(12) % 2, classes=np.array(classes))
        return open_images(tmp_path / "a.npz")

    assert held([b"ant", "bée".encode()]).class_names == ("ant", "bée")
    with pytest.raises(InputError, match=r"a.npz, classes: the class name 'a\\nb' holds a line feed"):
        held(["a\nb", "c"])
    with pytest.raises(InputError, match="names ant more than once"):
        held(["ant", "ant"])
    with pytest.raises(InputError, match="class names are one row of text"):
        held([["ant"], ["bee"]])


def test_real_pictures_are_classed_alike_by_training_and_testing(shared_data: Path) -> None:
    bees = shared_data / "hymenoptera"
    source = open_images(bees)
    assert source.class_names == ("ants", "bees")
    found = as_test(bees / "val", source.class_names)
    assert labels(found) == [label for part, label in source.items if part == "val"]
    assert found.notes == ()
