"""A person's own pictures: what is made of them, and what is said of those that are odd."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.training.data import Carried, ImageData
from edgenas.training.images.open import open_images
from edgenas.training.images.read import read_images
from tests.support.picture_toys import COLOURS, write_class, write_classes

image_module = pytest.importorskip("PIL.Image")


def read(path: Path, size: int = 8, channels: int = 3, **more: int) -> tuple[ImageData, str]:
    data, notes = read_images(open_images(path), size, channels, cache=path.parent / "cache", workers=0, **more)
    return data, "\n".join(notes)


def test_a_folder_a_class_is_split_class_by_class(tmp_path: Path) -> None:
    data, notes = read(write_classes(tmp_path / "photos", 20))
    assert data.class_names == ("blue", "green", "red") and data.name == "photos-8"
    for labels, wanted in ((data.train_labels, 16), (data.validation_labels, 2), (data.test_labels, 2)):
        assert np.bincount(labels).tolist() == [wanted] * 3
    assert "48 images to train on, 6 to judge candidates, 6 to judge the winner" in notes
    for images, labels in ((data.train_images, data.train_labels), (data.test_images, data.test_labels)):
        seen = images.mean((1, 2)).argmax(1)  # the brightest channel: red 0, green 1, blue 2
        assert (seen == 2 - labels).all()
    assert abs(data.normalised(data.train_images).mean()) < 1e-3
    assert abs(data.normalised(data.train_images).std(axis=(0, 1, 2)) - 1).max() < 1e-3


def test_the_split_is_the_same_again_and_another_for_another_seed(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", 20)
    first, again, other = read(photos)[0], read(photos)[0], read(photos, seed=1)[0]
    assert first.digest == again.digest != other.digest
    whole = {
        image.tobytes() for d in (first, other) for image in (*d.train_images, *d.validation_images, *d.test_images)
    }
    assert len(whole) == 60


@pytest.mark.parametrize(
    ("parts", "counts"),
    [
        (("train", "val", "test"), (30, 15, 15)),
        (("train", "val"), (30, 9, 6)),
        (("training", "test"), (27, 3, 15)),
        (("train",), (24, 3, 3)),
    ],
)
def test_parts_are_kept_and_what_is_lacking_is_split_off(
    parts: tuple[str, ...], counts: tuple[int, ...], tmp_path: Path
) -> None:
    for seed, part in enumerate(parts):
        write_classes(tmp_path / "photos" / part, 10 if part.startswith("train") else 5, seed)
    data, _ = read(tmp_path / "photos")
    assert tuple(len(x) for x in (data.train_images, data.validation_images, data.test_images)) == counts


def test_a_second_reading_decodes_nothing_and_a_changed_picture_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_classes(tmp_path / "photos", 10)
    first = read(photos)
    with monkeypatch.context() as patch:
        patch.setattr("edgenas.training.images.read.decode_all", lambda *_: pytest.fail("decoded again"))
        again = read(photos)
    assert first[1] == again[1] and first[0].digest == again[0].digest
    assert isinstance(again[0].train_images, np.memmap)
    write_class(photos / "red", "red", 1, seed=5)
    assert read(photos)[0].digest != first[0].digest
    entries = [p for p in (tmp_path / "cache").iterdir() if not p.name.startswith(".")]
    assert len(entries) == 2 and not list((tmp_path / "cache").glob(".*"))
    assert {p.suffix for entry in entries for p in entry.iterdir()} == {".npy", ".json"}


@pytest.mark.slow
def test_many_are_decoded_in_processes_and_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = write_classes(tmp_path / "photos", 10)
    here = read(photos)[0]
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.setattr("edgenas.training.images.decode._WORTH_WORKERS", 1)
    monkeypatch.setattr("edgenas.training.images.decode._AT_ONCE", 7)
    data, _ = read_images(open_images(photos), 8, 3, cache=tmp_path / "cache", workers=2)
    assert data.digest == here.digest


def test_odd_pictures_are_made_plain_and_counted(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", 20)
    red = image_module.new("RGB", (32, 32), COLOURS["red"])
    red.convert("CMYK").save(photos / "red" / "cmyk.jpg", quality=95)
    image_module.new("L", (32, 32), 77).save(photos / "red" / "grey.png")
    image_module.fromarray(np.full((32, 32), 77 * 257, np.uint16)).save(photos / "red" / "deep.png")
    image_module.new("RGBA", (32, 32), (0, 0, 0, 0)).save(photos / "red" / "clear.png")
    red.quantize(4).save(photos / "red" / "palette.gif")
    image_module.new("RGB", (4, 40), COLOURS["red"]).save(photos / "red" / "narrow.bmp")
    (photos / "red" / "notes.txt").write_text("mine")
    (photos / "red" / "IMG.SVG").write_text("mine")
    data, notes = read(photos)
    for told in (
        "1 image CMYK, converted to RGB",
        "1 image with more than 256 levels, reduced to 256",
        "1 image transparent, put on white",
        "1 image smaller than 8 pixels, enlarged",
        "2 files left out that are no images: ",
        "1 .svg",
    ):
        assert told in notes
    assert "2 images grey, converted to RGB" in notes
    every = np.concatenate([data.train_images, data.validation_images, data.test_images])
    means = {tuple(row) for row in every.mean((1, 2)).round().astype(int).tolist()}
    assert (255, 255, 255) in means and (77, 77, 77) in means


def test_pictures_are_turned_as_exif_says_and_cut_at_the_centre(tmp_path: Path) -> None:
    from edgenas.training.images.decode import fitted, open_picture

    pixels = np.zeros((16, 48, 3), np.uint8)
    pixels[:, 16:32] = (0, 0, 255)
    pixels[:8, 16:32] = (255, 0, 0)
    image = image_module.fromarray(pixels)
    exif = image_module.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "turned.png", exif=exif)
    square, done = fitted(open_picture(tmp_path / "turned.png"), 8, 3)
    assert done == ("rotated by their EXIF orientation",)
    assert square[0, 4].argmax() == 2 and square[7, 4].argmax() == 0 and square.max(-1).min() > 200


def test_broken_pictures_are_left_out_and_many_are_an_error(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", 20)
    whole = (photos / "red" / "000.png").read_bytes()
    (photos / "red" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (photos / "red" / "empty.jpg").write_bytes(b"")
    data, notes = read(photos)
    assert len(data.train_images) + len(data.validation_images) + len(data.test_images) == 60
    assert "2 broken images left out: red/cut.png (" in notes and "red/empty.jpg (" in notes
    for i in range(5):
        (photos / "blue" / f"page{i}.jpg").write_text("<html>not found</html>")
    with pytest.raises(InputError, match=r"7 of 67 images cannot be read: blue/page0.jpg \(.* and 4 more; replace"):
        read(photos)


def test_no_picture_both_trains_and_judges(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos" / "train", 10).parent
    write_classes(photos / "val", 5, seed=1)
    write_classes(photos / "test", 5, seed=2)
    shutil.copy(photos / "test" / "red" / "000.png", photos / "train" / "red" / "copy.png")
    shutil.copy(
        photos / "train" / "red" / "000.png", photos / "train" / "red" / "weight.png"
    )  # more of one, on purpose
    data, notes = read(photos)
    assert "1 image left out: the same pixels" in notes and len(data.train_images) == 31
    single = write_classes(tmp_path / "single", 10)
    shutil.copy(single / "red" / "000.png", single / "red" / "copy.png")
    data, notes = read(single)
    assert "1 image left out: the same pixels" in notes and len(data.train_images) == 24


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    cases: list[tuple[str, str]] = []

    def case(name: str, why: str) -> Path:
        cases.append((name, why))
        return write_classes(tmp_path / name / "train", 3).parent

    (case("empty", r"no image \(.*\) in train/grey; delete") / "train" / "grey").mkdir()
    write_class(
        case("alone", "green cannot be learned, for there is no image to train on") / "val" / "green", "green", 3
    )
    shutil.rmtree(tmp_path / "alone" / "train" / "green")
    write_class(
        case("mixed", "has train, so that every other folder must be a class inside.*move purple") / "purple", "red", 1
    )
    shutil.rmtree(case("one", "has only the class blue; a network needs two or more") / "train" / "red")
    shutil.rmtree(tmp_path / "one" / "train" / "green")
    (tmp_path / "nothing").mkdir()
    cases += [
        ("nothing", "has no classes; a network needs two or more"),
        ("missing", "No such file or directory; name a folder"),
    ]
    write_classes(tmp_path / "untrained" / "val", 3)
    cases.append(("untrained", "has images for val only"))
    (tmp_path / "circle").mkdir()
    (tmp_path / "circle" / "round").symlink_to("round")
    cases.append(("circle", "round is a dead link to round; repair it, or delete it"))
    for name, why in cases:
        with pytest.raises(InputError, match=why):
            open_images(tmp_path / name)


def test_a_class_of_one_picture_trains_and_is_not_judged(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", 10)
    write_class(photos / "amber", "red", 1, seed=9)
    data, notes = read(photos)
    assert "no image to judge by of amber" in notes and 0 in data.train_labels and 0 not in data.test_labels


def test_decoded_pictures_travel_to_processes_as_where_they_lie(tmp_path: Path) -> None:
    data, _ = read(write_classes(tmp_path / "photos", 30), 32)
    packed = pickle.dumps(Carried.of(data))
    assert len(packed) < 5000 < data.test_images.nbytes
    there = pickle.loads(packed).data()
    assert there.digest == data.digest and there.class_names == data.class_names
    assert len(pickle.dumps(data)) > data.train_images.nbytes  # to another machine it goes whole


def test_grey_networks_get_grey_pictures(tmp_path: Path) -> None:
    data, notes = read(write_classes(tmp_path / "photos", 10), channels=1)
    assert (
        data.train_images.shape == (24, 8, 8, 1)
        and len(data.mean) == 1
        and "30 images coloured, converted to grey" in notes
    )
