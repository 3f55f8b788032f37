"""The user's own images: one folder of pictures per class, an ``.npz`` of arrays, or a Hugging Face dataset on disk.

    source = open_images(Path("photos"))     # lists and checks; len(source.class_names) classes
    data, notes = read_images(source, 96, 3)  # ``training.images.read``: decodes once, later reads from a cache

    photos/cat/*.jpg, photos/dog/*.jpg                        split by a seed, 80 : 10 : 10 of every class
    photos/train/cat/*.jpg, photos/val/cat/*.jpg              without test/, half of val/ is the test part

Pictures are rotated by their EXIF orientation, converted to RGB or grey, scaled until they cover the input of
the network, and cropped at the centre. Arrays may have any number of channels, which are scaled alone.
"""

from __future__ import annotations

from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.reading import check_exists
from edgenas.training.images.folder import PictureFolder
from edgenas.training.images.hub import HubDataset
from edgenas.training.images.npz import ArrayFile
from edgenas.training.images.source import PictureSource


def open_images(path: Path) -> PictureSource:
    """Open the images at ``path`` (listed and checked, not decoded); InputError where they cannot be used, and for a
    path of another kind."""
    check_exists(path, "pictures")
    if path.suffix == ".npz" and path.is_file():
        return ArrayFile(path)
    if not path.is_dir():
        raise InputError(
            f"{path} is no folder with a folder of images for every class, no .npz of arrays, no Hugging Face dataset"
        )
    if (path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file():
        return HubDataset(path)
    return PictureFolder(path)
