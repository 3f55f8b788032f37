"""The digits: as data and as a space."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.search.spaces.digits import digits as digits_space
from edgenas.training import digits as digits_module
from edgenas.training.data import ImageData
from edgenas.training.digits import (
    CLASSES,
    FULL_RECIPE,
    ORIGINALS,
    SEARCH_RECIPE,
    Distortion,
    digits,
    distorted,
    split,
)

STILL = Distortion(turn_deg=0, shear=0, scale=1, cover=0, noise=0)


def small(**changes: int) -> ImageData:
    return digits(**{"in_size": 16, "train_originals": 100, "train_copies": 2, "judge_copies": 1, **changes})


def test_parts_have_the_shapes_that_were_asked_for() -> None:
    data = digits(in_size=16, train_originals=101, train_copies=3, judge_copies=2)
    assert data.train_images.shape == (303, 16, 16, 1)
    assert data.validation_images.shape == data.test_images.shape == (1696, 16, 16, 1)
    assert data.train_images.dtype == np.float32 and data.train_labels.dtype == np.int64
    assert set(data.test_labels) == set(range(CLASSES))
    assert (data.in_size, data.channels, data.classes) == (16, 1, 10)
    assert abs(data.train_images.mean()) < 0.5 and 0.5 < data.train_images.std() < 1.5


@given(st.integers(CLASSES, ORIGINALS - 2), st.integers(0, 2**32))
def test_every_original_is_in_one_part_only(train_originals: int, seed: int) -> None:
    train, validation, test = split(train_originals, seed)
    assert len(train) == train_originals and abs(len(validation) - len(test)) <= 1
    assert sorted(np.concatenate([train, validation, test])) == list(range(ORIGINALS))


def test_no_picture_of_one_part_is_in_another() -> None:
    data = digits(in_size=8, train_copies=2, judge_copies=2, distortion=STILL)
    pictures = []
    for images, copies in ((data.train_images, 2), (data.validation_images, 2), (data.test_images, 2)):
        # contrast still differs from copy to copy: compare each picture at unit contrast
        black = images.min(axis=(1, 2, 3), keepdims=True)
        unit = (images - black) / (images.max(axis=(1, 2, 3), keepdims=True) - black)
        distinct = {row.tobytes() for row in unit.round(4)}
        assert len(distinct) == len(images) // copies  # the copies are of the same originals
        pictures.append(distinct)
    assert not pictures[0] & pictures[1] and not pictures[0] & pictures[2] and not pictures[1] & pictures[2]


def test_equal_arguments_give_equal_data_and_others_do_not() -> None:
    data = small()
    assert data.digest == small().digest
    others = [small(seed=1), small(train_copies=3), small(judge_copies=2), small(train_originals=99), small(in_size=8)]
    others.append(digits(16, 100, 2, 1, Distortion(noise=0.13)))
    assert len({data.digest, *(other.digest for other in others)}) == 7


def test_copies_of_a_picture_differ() -> None:
    data = small()
    first, second = np.split(data.train_images, 2)
    assert np.array_equal(*np.split(data.train_labels, 2))
    assert (np.abs(first - second).max(axis=(1, 2, 3)) > 0.1).all()


def test_without_distortion_a_picture_is_scaled_up_bilinearly() -> None:
    torch = pytest.importorskip("torch")
    pictures = np.random.default_rng(0).uniform(size=(3, 8, 8)).astype(np.float32)
    pictures[:, 0, 0], pictures[:, 7, 7] = 0, 1
    ours = distorted(pictures, 32, STILL, np.random.default_rng(0))[..., 0]
    wanted = torch.nn.functional.interpolate(torch.from_numpy(pictures)[:, None], size=32, mode="bilinear").numpy()[
        :, 0
    ]
    white = (ours[:, 16:17, 16:17] * 0.35 + 0.3) / wanted[:, 16:17, 16:17]
    inner = slice(2, -2)  # a picture fades to black at its border
    assert np.allclose(ours[:, inner, inner] * 0.35 + 0.3, wanted[:, inner, inner] * white, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_scale_turn_and_shift_move_ink_but_make_none(seed: int) -> None:
    dot = np.zeros((1, 8, 8), np.float32)
    dot[0, 3:5, 3:5] = 1  # the middle stays within the frame whatever is drawn
    limits = Distortion(turn_deg=45, shear=0.2, scale=0.5, cover=0, noise=0)
    image = distorted(dot, 32, limits, np.random.default_rng(seed))[0, ..., 0] * 0.35 + 0.3
    assert image.min() > -1e-5 and 0.4 < image.max() < 1 + 1e-5
    ink = (image > 0.05).sum() / 32**2
    assert 0.25 * 4 / 64 * 0.5 < ink < 9 / 64 * 1.5


@pytest.mark.parametrize(
    "changes", [{"train_originals": 9}, {"train_originals": 1796}, {"in_size": 7}, {"train_copies": 0}]
)
def test_impossible_sizes_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(changes))):
        small(**changes)


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgenas\[train\]'"):
        digits_module.digits()


def test_the_space_is_as_large_as_the_demo_needs() -> None:
    space = digits_space()
    assert space.networks == 7**6 == 117_649
    assert len(space.blocks()) == 41
    assert (space.in_size, space.c_in) == (48, 1)
    macs = [space.architecture(space.sample(random.Random(seed))).macs for seed in range(200)]
    assert max(macs) > 3 * min(macs)


def test_smallest_and_largest_members() -> None:
    space = digits_space(classes=7)
    assert space.architecture(space.parse("0.0.0.0.0.0")).c_out == 7
    assert digits_space().architecture(space.parse("0.0.0.0.0.0")).macs == 151_152
    assert digits_space().architecture(space.parse("5.4.5.4.5.4")).macs == 3_276_528


def test_recipes_fit_the_images() -> None:
    assert digits_space().in_size % SEARCH_RECIPE.shrink == 0
    assert FULL_RECIPE.shrink == 1, "what ships is trained at the size it ships for"
