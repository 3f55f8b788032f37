"""Distillation of the stages of a network: what a stage is, what it learns, and that validation pictures choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.pretrained.slicing import sliced_network, teacher_of
from edgenas.blocks.spec import BlockSpec
from edgenas.search.spaces import space
from edgenas.search.spaces.published_members import published_members
from edgenas.training.data import TrainRecipe
from tests.training.test_fine_tuning import Messages, data

torch = pytest.importorskip("torch")

WHOLE = (
    "conv-8x3-o8-k3-s2-relu6",
    "ir-4x8-m48-o12-k3-s1-relu6",
    "ir-4x12-m72-o12-k3-s1-relu6-res",
    "conv-4x12-o24-k1-s1-relu6",
    "head-4x24-o3",
)
TEACHER = Architecture("whole", tuple(map(BlockSpec.parse, WHOLE)))
STUDENT = replace(TEACHER, name="part", blocks=(TEACHER.blocks[0], *map(BlockSpec.parse, (
    "ir-4x8-m24-o12-k3-s1-relu6", "skip-4x12")), *TEACHER.blocks[3:]))  # fmt: skip


def teacher_tensors() -> tuple[dict[str, np.ndarray], ...]:
    from edgenas.blocks.torch_modules import NetworkModule

    torch.manual_seed(4)
    module = NetworkModule(TEACHER)
    images = data(noise=60.0)
    with torch.no_grad():  # statistics of these images
        for _ in range(20):
            module(torch.from_numpy(images.normalised(images.train_images)).permute(0, 3, 1, 2))
    blocks = [
        {n: v.numpy().copy() for n, v in block.state_dict().items() if not n.endswith("num_batches_tracked")}
        for block in module
    ]
    return tuple({n: v for n, v in block.items() if not n.startswith("classifier")} for block in blocks)


def start() -> object:
    from edgenas.training.fine_tuning import Start

    whole = teacher_tensors()
    parts = sliced_network(TEACHER.blocks, whole, STUDENT.blocks)
    return Start(parts, 1e-3, "toy", False, (TEACHER, Start(whole, 1e-3, "toy")))


def test_stages_of_a_published_network_end_where_width_or_size_changes() -> None:
    from edgenas.training.distillation import stages

    s = space("efficientnet_lite0", 64, 10)
    network = s.architecture(next(iter(published_members(s).values())))
    found = stages(network.blocks)
    assert found == [(0, 1), (1, 2), (2, 4), (4, 6), (6, 9), (9, 12), (12, 16), (16, 17), (17, 18)]
    shapes = {(b.c_out, b.out_size) for first, end in found for b in network.blocks[end - 1 : end]}
    assert len(shapes) == len(found)


def test_the_teacher_takes_the_images_of_the_member() -> None:
    s, small = space("efficientnet_lite0", 64, 10), space("efficientnet_lite0", 33, 10)
    choice = next(iter(published_members(s).values()))
    whole, part = s.architecture(choice), small.architecture(small.repaired([0] * len(small.layers)))
    teacher = teacher_of(whole, part)
    assert [b.in_size for b in teacher.blocks] == [b.in_size for b in part.blocks]
    assert teacher.blocks == small.architecture(choice).blocks


def test_the_stages_that_differ_learn_and_others_stay() -> None:
    from edgenas.training.arithmetic import Arithmetic
    from edgenas.training.distillation import distil, distilling, feature_maps, noise_to_signal
    from edgenas.training.feed import Feed
    from edgenas.training.fine_tuning import Start, started

    begin, images = start(), data(noise=60.0)
    assert isinstance(begin, Start) and begin.teacher is not None
    student, teacher = started(begin, STUDENT), started(begin.teacher[1], TEACHER)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    feed = Feed(images, images.train_images, images.train_labels, 1, torch.device("cpu"))
    own = distilling(TrainRecipe(epochs=8, batch=8, lr=0.01))
    assert (own.epochs, own.optimizer) == (8, "adamw")
    losses = distil("part", student, teacher, feed, replace(own, lr=0.05), 0, Arithmetic())
    assert len(losses) == 48 and np.mean(losses[-6:]) < 0.6 * np.mean(losses[:6])
    changed = {n.partition(".")[0] for n, v in student.state_dict().items() if not torch.equal(v, before[n])}
    assert changed == {"1"}  # of the stage that differs, the block that is not skipped
    with torch.no_grad():
        maps = feature_maps(teacher, feed.batch(slice(0, 16))[0], 3)
        assert noise_to_signal(maps[3], maps[3]) == 0
        shifted = maps[3] + maps[3].std((0, 2, 3), correction=0, keepdim=True)
        assert float(noise_to_signal(shifted, maps[3])) == pytest.approx(1.0, rel=1e-3)
    assert distil("whole", teacher, teacher, feed, own, 0, Arithmetic()) == ()


def test_layers_of_other_widths_are_refused() -> None:
    from edgenas.blocks.torch_modules import NetworkModule
    from edgenas.training.arithmetic import Arithmetic
    from edgenas.training.distillation import distil
    from edgenas.training.feed import Feed

    blocks = (
        "conv-8x3-o8-k3-s2-relu6",
        "ir-4x8-m24-o16-k3-s1-relu6",
        "conv-4x16-o24-k1-s1-relu6",
        "head-4x24-o3",
    )
    other = NetworkModule(Architecture("other", tuple(map(BlockSpec.parse, blocks))))
    images = data()
    feed = Feed(images, images.train_images, images.train_labels, 1, torch.device("cpu"))
    with pytest.raises(InputError, match="other cannot learn the feature maps of whole: their layers differ"):
        distil("other", other, NetworkModule(TEACHER), feed, TrainRecipe(epochs=1), 0, Arithmetic())


def test_the_validation_pictures_choose_with_or_without_distillation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgenas.training import fine_tuning
    from edgenas.training.fine_tuning import DISTILLED, Start, trained_from

    begin = start()
    assert isinstance(begin, Start)
    recipe = TrainRecipe(epochs=2, batch=8, lr=0.01)

    def found(taught: float) -> tuple[str, list[str]]:
        accuracies = iter((50.0, taught, 40.0, 45.0))  # cut out, distilled, two rates
        messages = Messages()
        with monkeypatch.context() as patch:
            patch.setattr(fine_tuning, "accuracy_percent", lambda *_: next(accuracies))
            _, chosen = trained_from(
                begin, STUDENT, data(), recipe, 0, messages, checkpoint=tmp_path / f"{taught:.0f}.npz"
            )
        return chosen, messages.told

    better, told = found(60.0)
    assert better == f"{DISTILLED}head by regression" and len(told) == 4
    assert all(DISTILLED in text for text in told[1:])
    worse, told = found(50.0)
    assert worse == "head by regression" and DISTILLED in told[1] and DISTILLED not in told[2]
    assert (tmp_path / "60-stages.npz").exists()


def test_a_stage_with_random_weights_begins_at_the_teachers_scale() -> None:
    from edgenas.training.distillation import begin_at
    from edgenas.training.fine_tuning import Start, started

    begin = start()
    assert isinstance(begin, Start)
    stage = torch.nn.Sequential(started(begin, STUDENT)[1])
    target = 3.0 + 5.0 * torch.randn(16, 12, 4, 4, generator=torch.Generator().manual_seed(0))
    begin_at(stage, target)
    outputs = stage.train()(torch.randn(64, 8, 4, 4, generator=torch.Generator().manual_seed(1)))
    assert torch.allclose(outputs.mean((0, 2, 3)), target.mean((0, 2, 3)), rtol=1e-2)
    assert torch.allclose(outputs.std((0, 2, 3)), target.std((0, 2, 3)), rtol=2e-2)
