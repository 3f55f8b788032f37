"""What a picture's class is, and what is no picture: one rule to train on folders, to test by them, to calibrate."""

from __future__ import annotations

import os
import shutil
import socket
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import InputError
from edgenas.base.system_names import SYSTEM
from edgenas.training.images import decode
from edgenas.training.images.listing import list_pictures
from edgenas.training.images.open import open_images
from edgenas.training.pictures import Pictures, Scaling, read_pictures
from tests.support.picture_toys import write_class, write_classes

image_module = pytest.importorskip("PIL.Image")

LEVELS = Scaling((0.0,), (1.0,))
NAMES = ("blue", "green", "red")


def as_test(path: Path, names: tuple[str, ...] | None = NAMES, classes: int | None = None) -> Pictures:
    """Pictures as ``--test`` reads them."""
    return read_pictures(path, 8, 3, LEVELS, classes=classes or len(names or ()), names=names)


def labels(pictures: Pictures) -> list[int]:
    assert pictures.labels is not None
    return pictures.labels.tolist()


def brightest(pictures: Pictures) -> list[int]:
    """The class by the colour of the pixels: blue 0, green 1, red 2."""
    return (2 - pictures.images.mean((1, 2)).argmax(1)).tolist()


def test_a_class_without_a_folder_shifts_no_other_class(tmp_path: Path) -> None:
    val = write_classes(tmp_path / "val", 2)
    assert labels(as_test(val)) == brightest(as_test(val)) == [0, 0, 1, 1, 2, 2]
    shutil.rmtree(val / "green")
    found = as_test(val)
    assert labels(found) == brightest(found) == [0, 0, 2, 2]
    assert found.notes == (f"{val} has no image of 1 of 3 classes: green; accuracy is of the others",)
    (val / "green").mkdir()
    assert as_test(val).notes == found.notes and labels(as_test(val)) == [0, 0, 2, 2]


def test_folders_are_numbered_by_the_names_of_the_training_not_by_their_order(tmp_path: Path) -> None:
    val = write_classes(tmp_path / "val", 1)
    assert labels(as_test(val, ("red", "green", "blue"))) == [2, 1, 0]


def test_a_class_that_the_network_does_not_have_is_refused(tmp_path: Path) -> None:
    val = write_classes(tmp_path / "val", 1)
    (val / "green").rename(val / "Green")
    with pytest.raises(InputError, match=r"has Green, which the network does not have \(near: green\); its cl"):
        as_test(val)
    assert read_pictures(val, 8, 3, LEVELS).labels is None, "calibration needs no classes"


def test_without_names_there_is_a_folder_for_each_class_of_the_head(tmp_path: Path) -> None:
    val = write_classes(tmp_path / "val", 1)
    found = as_test(val, None, 3)
    assert labels(found) == [0, 1, 2] and "without --labels" in found.notes[0]
    for classes in (2, 4):
        with pytest.raises(InputError, match=rf"has 3 classes .*the network has {classes}.*--labels labels.txt"):
            as_test(val, None, classes)
    with pytest.raises(InputError, match=r"3 class names .* for a network of 4 classes"):
        as_test(val, NAMES, 4)


def test_of_two_classes_with_one_name_neither_is_guessed(tmp_path: Path) -> None:
    val = tmp_path / "val"
    write_class(val / "crane", "red", 1)
    with pytest.raises(InputError, match=r"crane of .* is the name of more than one class"):
        as_test(val, ("crane", "owl", "crane"))
    write_class(val / "owl", "blue", 1)
    shutil.rmtree(val / "crane")
    assert labels(as_test(val, ("crane", "owl", "crane"))) == [1]


def test_hidden_and_system_folders_and_files_are_neither_classes_nor_pictures(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", 3)
    plain = open_images(photos)
    folders = (".ipynb_checkpoints", "@eaDir", "#recycle", "__MACOSX", ".AppleDouble")
    for place in (photos, photos / "red"):
        for name in folders:
            write_class(place / name, "blue", 1, seed=7)
            write_class(place / name / "deep", "blue", 1, seed=7)
    for name in ("._000.png", "Thumbs.db", "SYNOFILE_THUMB_M.jpg"):
        (photos / "red" / name).write_bytes(b"none")
    source, found = open_images(photos), as_test(photos)
    assert source.class_names == NAMES and source.items == plain.items
    assert labels(found) == brightest(found) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    (note,) = source.notes
    assert note.startswith("13 hidden or system folders and files skipped: ") and note in found.notes
    for name in sorted(SYSTEM):
        (photos / "red" / name.upper().rstrip()).mkdir(exist_ok=True)
    assert open_images(photos).items == plain.items


def test_nested_pictures_are_read_alike_for_training_and_testing(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", 2)
    write_class(photos / "blue" / "monday" / "morning", "blue", 2, seed=3)
    write_class(photos, "red", 1, seed=4)  # beside the classes
    source, found = open_images(photos), as_test(photos)
    assert [label for _, label in source.items] == labels(found) == brightest(found) == [0] * 4 + [1] * 2 + [2] * 2
    assert source.called(2) == "blue/monday/morning/000.png"
    assert source.notes == found.notes == ("1 image left out that are in no folder of a class: 000.png",)


@pytest.mark.parametrize("part", ["train", "val", "Test"])
def test_a_folder_with_pictures_is_a_class_whatever_its_name(tmp_path: Path, part: str) -> None:
    """CIFAR-100 has a class called train."""
    for where in ("train", "val"):
        write_classes(tmp_path / "cifar" / where, 2, seed=len(where))
        (tmp_path / "cifar" / where / "green").rename(tmp_path / "cifar" / where / part)
    source = open_images(tmp_path / "cifar")
    assert sorted(source.class_names) == sorted(["blue", part, "red"]) and len(source.items) == 12
    found = as_test(tmp_path / "cifar" / "val", source.class_names)
    assert sorted(labels(found)) == [0, 0, 1, 1, 2, 2]
    assert len(open_images(tmp_path / "cifar" / "val").items) == 6


def test_links_to_folders_are_followed_once_and_never_in_circles(tmp_path: Path) -> None:
    store, photos = write_classes(tmp_path / "store", 2), tmp_path / "photos"
    photos.mkdir()
    for name in NAMES:
        (photos / name).symlink_to(store / name)
    (store / "blue" / "again").symlink_to(write_class_at(tmp_path / "more"))
    (store / "blue" / "twice").symlink_to(tmp_path / "more")
    for found in (open_images(photos), list_pictures(photos)):
        assert found.notes == ("1 links skipped to folders that are read anyway: blue/twice",)
    assert labels(as_test(photos)) == [0, 0, 0, 0, 1, 1, 2, 2]
    (store / "red" / "up").symlink_to(photos)
    for read in (open_images, as_test):
        with pytest.raises(InputError, match=r"red/up is a link to .*photos, a folder that holds the link; delete"):
            read(photos)


def write_class_at(folder: Path) -> Path:
    write_class(folder, "blue", 2, seed=8)
    return folder


def test_a_dead_link_is_one_clear_error_or_a_broken_picture(tmp_path: Path) -> None:
    from edgenas.training.images.read import read_images

    photos = write_classes(tmp_path / "photos", 10)
    (photos / "red" / "lost.png").symlink_to("/nowhere/lost.png")
    _, notes = read_images(open_images(photos), 8, cache=tmp_path / "cache", workers=0)
    assert "1 broken image left out: red/lost.png (dead link to /nowhere/lost.png)" in notes
    with pytest.raises(InputError, match=r"red/lost.png is no image that can be read: dead link to /nowhere"):
        as_test(photos)
    (photos / "amber").symlink_to("/nowhere/amber")
    for read in (open_images, as_test):
        with pytest.raises(InputError, match="amber is a dead link to /nowhere/amber; repair it, or delete it"):
            read(photos)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(path.parent)  # a socket's name is short
        made.bind(path.name)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("make", "what"),
    [(_fifo, "a FIFO"), (_socket, "a socket"), (_device, "a device")],
    ids=["fifo", "socket", "device"],
)
def test_special_files_are_refused_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    photos = write_classes(tmp_path / "photos", 2)
    make(photos / "red" / "wait.png")
    for read in (open_images, as_test):
        with pytest.raises(InputError, match=rf"wait.png is {what}, not a file; delete it"):
            read(photos)
    with pytest.raises(InputError, match="a FIFO, a socket, a folder or a device"):
        decode.open_picture(photos / "red" / "wait.png")
    make(tmp_path / "arrays.npz")
    with pytest.raises(InputError, match=r"arrays.npz is neither a folder of images nor .*: not a file"):
        as_test(tmp_path / "arrays.npz")
    with pytest.raises(InputError, match=r"arrays.npz is no folder with a folder"):
        open_images(tmp_path / "arrays.npz")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a\nb", "a line feed"), ("a\rb", "a carriage return"), ("a\fb", "a form feed"), ("a\tb", "a tab"),
        ("a\x85b", r"the control character U\+0085"), ("a\u2028b", r"the control character U\+2028"),
        (os.fsdecode(b"caf\xe9"), "bytes that are not UTF-8"), ("\ufeffa", "a byte order mark"), ("  ", "but spaces"),
    ],
    ids=ascii,
)  # fmt: skip
def test_names_that_are_no_line_of_labels_are_refused_when_folders_are_listed(
    tmp_path: Path, name: str, what: str
) -> None:
    photos = write_classes(tmp_path / "photos", 2)
    (photos / "red").rename(photos / name)
    for read in (open_images, as_test):
        with pytest.raises(InputError, match=rf"the class name '.*' holds .*{what}.*rename it") as refused:
            read(photos)
        str(refused.value).encode()
        assert refused.value.args[0].isprintable() or name.startswith("\ufeff")


def test_names_that_macos_takes_apart_are_the_same_names(tmp_path: Path) -> None:
    photos, whole, apart = tmp_path / "photos", *(unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    assert whole != apart
    write_class(photos / "train" / whole, "red", 3)
    write_class(photos / "val" / apart, "red", 2, seed=1)
    for part in ("train", "val"):
        write_class(photos / part / "tea", "blue", 3, seed=len(part))
    source = open_images(photos)
    assert source.class_names == (whole, "tea") and len(source.items) == 11
    assert labels(as_test(photos / "val", (whole, "tea"))) == [0, 0, 1, 1, 1]


def test_picture_files_may_have_any_name(tmp_path: Path) -> None:
    """Of a broken one with a name that is not UTF-8, the name is printed and written."""
    from edgenas.training.images.read import read_images

    photos = write_classes(tmp_path / os.fsdecode(b"ph\xf6tos"), 10)
    (photos / "red" / os.fsdecode(b"caf\xe9\n.png")).write_bytes(b"no")
    source = open_images(photos)
    _, notes = read_images(source, 8, cache=tmp_path / "cache", workers=0)
    assert source.name == r"ph\xf6tos" and any(r"red/caf\xe9\n.png (" in note for note in notes)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = write_classes(tmp_path / "photos", 2)
    (photos / "red" / "shut").mkdir(mode=0)
    scandir = os.scandir

    def refusing(path: Path) -> Any:  # as the system does to everybody but root
        if path.name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(InputError, match="red/shut: Permission denied"):
        open_images(photos)
