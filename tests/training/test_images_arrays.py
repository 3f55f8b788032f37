"""Pictures that come as arrays and as Hugging Face datasets, and CIFAR-10 through the same door."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.training.data import ImageData
from edgenas.training.images.open import open_images
from edgenas.training.images.read import read_images
from edgenas.training.pictures import Scaling, read_pictures
from tests.support.picture_toys import write_classes

image_module = pytest.importorskip("PIL.Image")


def read(path: Path, size: int = 8, channels: int = 3) -> ImageData:
    return read_images(open_images(path), size, channels, cache=path.parent / "cache", workers=0)[0]


def arrays(n: int = 30, size: int = 8) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8), np.arange(n) % 3


def test_arrays_of_the_wanted_size_are_taken_as_they_are(tmp_path: Path) -> None:
    images, labels = arrays()
    np.savez(tmp_path / "a.npz", x_train=images[:18], y_train=labels[:18, None], x_test=images[18:], y_test=labels[18:])
    data = read(tmp_path / "a.npz")
    assert np.array_equal(data.test_images, images[18:]) and np.array_equal(data.test_labels, labels[18:])
    assert len(data.train_images) == 15 and len(data.validation_images) == 3 and data.class_names == ("0", "1", "2")
    kept = {image.tobytes() for image in (*data.train_images, *data.validation_images)}
    assert kept == {image.tobytes() for image in images[:18]}


def test_arrays_are_scaled_split_and_named(tmp_path: Path) -> None:
    images, labels = arrays(30, 16)
    np.savez(tmp_path / "a.npz", images=images[..., 0], labels=labels, classes=np.array(["x", "y", "z"]))
    data = read(tmp_path / "a.npz", channels=1)
    assert data.train_images.shape == (24, 8, 8, 1) and data.class_names == ("x", "y", "z")


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({"pictures": np.zeros(3)}, "holds pictures; name the arrays"),
        ({"images": np.zeros((4, 8, 8, 3)), "labels": np.arange(4)}, "images is float64.*images are uint8"),
        ({"images": arrays()[0], "labels": np.arange(4)}, "30 images, so labels must hold as many"),
        (
            {"images": arrays()[0], "labels": arrays()[1], "classes": np.array(["x"])},
            "from 0 to 2, and there are 1",
        ),
        ({"images": arrays()[0], "labels": arrays()[1], "x_train": arrays()[0]}, "name the arrays"),
        ({"images": np.array([{}]), "labels": np.zeros(1, int)}, "no .npz of plain arrays"),
    ],
)
def test_arrays_that_cannot_be_used_are_named(held: dict[str, Any], why: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **held)
    with pytest.raises(InputError, match=why):
        open_images(tmp_path / "a.npz")


def test_arrays_of_zeros_and_of_wrong_sizes_take_no_memory(tmp_path: Path) -> None:
    """4 GiB of zeros in 4 MB, by their headers; whole files would take this test too long to write."""
    images, labels = arrays()
    path = tmp_path / "a.npz"
    shape = np.lib.format.header_data_from_array_1_0(np.empty((2, 8, 8, 3), np.uint8)) | {"shape": (1 << 24, 8, 8, 3)}
    np.savez(path, images=images, labels=labels)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, shape)
        member.write(bytes(1000))
    with pytest.raises(InputError, match=r"no \.npz of plain arrays: images is .* 3,221,225,472 bytes, but"):
        open_images(path)
    with pytest.raises(InputError, match=r"neither a folder of images nor an \.npz of arrays: images"):
        read_pictures(path, 8, 3, Scaling((0.0,), (255.0,)))


@pytest.mark.parametrize("labels", [[1, 2, 3], [10**12, 7, 9], [0, 1, 10**12], [-1, 0, 1]])
def test_labels_that_are_no_class_numbers_are_refused_without_memory(tmp_path: Path, labels: list[int]) -> None:
    images = arrays()[0][:3]
    np.savez(tmp_path / "a.npz", images=images, labels=np.array(labels))
    with pytest.raises(InputError, match=r"labels"):
        open_images(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"labels"):
        read_pictures(tmp_path / "a.npz", 8, 3, Scaling((0.0,), (255.0,)), classes=3)


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_images(write_classes(tmp_path / "photos", 3))
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgenas\[images\]'"):
        read_images(source, 8, 3, cache=tmp_path / "cache", workers=0)


def test_without_datasets_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dataset_info.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgenas\[datasets\]'"):
        open_images(tmp_path)


@pytest.mark.slow
def test_hugging_face_datasets_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    images, labels = arrays()
    kinds = datasets.Features({"picture": datasets.Image(), "kind": datasets.ClassLabel(names=["x", "y", "z"])})

    def made(part: slice, features: Any = kinds) -> Any:
        pictures = [image_module.fromarray(image) for image in images[part]]
        names = list(features)
        return datasets.Dataset.from_dict({names[0]: pictures, names[1]: labels[part].tolist()}, features=features)

    datasets.DatasetDict(train=made(slice(0, 18)), test=made(slice(18, 30))).save_to_disk(tmp_path / "parts")
    data = read(tmp_path / "parts")
    assert np.array_equal(data.test_images, images[18:]) and data.class_names == ("x", "y", "z")
    assert len(data.train_images) == 15 and len(data.validation_images) == 3
    made(slice(0, 30)).save_to_disk(tmp_path / "whole")
    monkeypatch.setattr("edgenas.training.images.decode._WORTH_WORKERS", 1)
    source = open_images(tmp_path / "whole")
    in_processes = read_images(source, 8, 3, cache=tmp_path / "other", workers=1)[0]
    assert in_processes.digest == read(tmp_path / "whole").digest and len(in_processes.train_images) == 24
    bare = datasets.Features({"picture": datasets.Image(), "kind": datasets.Value("int64")})
    made(slice(0, 30), bare).save_to_disk(tmp_path / "bare")
    with pytest.raises(
        InputError, match=r"one column of type ClassLabel, and has 0: picture \(Image\), kind \(Value\)"
    ):
        open_images(tmp_path / "bare")
    (tmp_path / "parts" / "dataset_dict.json").write_text("{")
    with pytest.raises(InputError, match="no dataset that save_to_disk wrote"):
        open_images(tmp_path / "parts")


@pytest.mark.slow
def test_cifar_10_as_folders_of_pictures(shared_data: Path, tmp_path: Path) -> None:
    from tools.bench.cifar10 import load, write_folders

    file = shared_data / "cifar10" / "cifar10_train-jpeg92_test-lossless.npz"
    if not file.is_file():
        pytest.skip(f"no CIFAR-10 at {file}")
    write_folders(load(file), tmp_path / "cifar", train=600, test=200)
    data = read(tmp_path / "cifar", 32)
    assert len(data.train_images) + len(data.validation_images) == 600 and len(data.test_images) == 200
    assert 55 <= len(data.validation_images) <= 65
    assert data.class_names[0] == "airplane" and data.classes == 10
    assert 110 < np.mean(data.mean) < 130 and 55 < np.mean(data.deviation) < 70
