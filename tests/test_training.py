"""Training: that it learns, that it repeats, that workers do not matter, and how it fails."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from blocks.architecture import Architecture
from blocks.errors import InputError, MissingExtraError, OutcomeError
from blocks.spec import BlockSpec
from blocks.weights import check_weights
from search.accuracy.digits import SEARCH_RECIPE, digits
from search.accuracy.training import ImageData, TrainingAccuracy, TrainRecipe, train
from search.problem import Candidate
from search.spaces.digits import digits as digits_space

torch = pytest.importorskip("torch")
ROOT = Path(__file__).resolve().parent.parent
QUICK = TrainRecipe(epochs=2, batch=16, lr=0.1)


def network(*middle: str, name: str = "tiny", size: int = 8, classes: int = 3) -> Architecture:
    texts = (f"conv-{size}x1-o8-k3-s2-relu", *middle, f"head-{size // 2}x8-o{classes}")
    return Architecture(name, tuple(BlockSpec.parse(text) for text in texts))


TINY = network()
MEMBERS = [
    network("ir-4x8-m16-o8-k3-s1-relu-res", name="a"),
    network("ir-4x8-m8-o8-k5-s1-se4-hswish-res", name="b"),
    network("sep-4x8-o8-k3-s1-relu-res", name="c"),
]
CANDIDATES = [Candidate((i,), architecture) for i, architecture in enumerate(MEMBERS)]


def bars(seed: int = 0, name: str = "bars") -> ImageData:
    """Three easy classes: a bright band at the top, in the middle, at the bottom."""
    rng = np.random.default_rng(seed)
    parts = []
    for n in (96, 48, 48):
        labels = rng.integers(3, size=n)
        images = rng.normal(size=(n, 8, 8, 1)).astype(np.float32)
        for image, label in zip(images, labels, strict=True):
            image[3 * label : 3 * label + 2] += 1.5
        parts += [images, labels]
    return ImageData(name, 3, *parts)


def test_learning_happens_on_easy_images() -> None:
    trained = train(MEMBERS[0], bars(), replace(QUICK, epochs=8), seed=0)
    assert trained.accuracy > 70  # chance is 33
    assert np.mean(trained.losses[-5:]) < 0.7 * np.mean(trained.losses[:5])
    assert len(trained.losses) == 8 * (96 // 16)
    assert not trained.module.training


def test_learning_happens_on_digits() -> None:
    space = digits_space(16)
    data = digits(16, train_copies=4, judge_copies=1)
    recipe = replace(SEARCH_RECIPE, shrink=1, batch=32)
    assert train(space.architecture(space.parse("5.0.5.0.5.0")), data, recipe, seed=0).accuracy > 40  # chance is 10


@pytest.mark.slow
def test_members_reach_useful_accuracies_on_digits() -> None:
    space, data = digits_space(), digits()
    accuracies = [train(space.architecture(space.parse(key)), data, SEARCH_RECIPE, 0).accuracy for key in
                  ("0.0.0.0.0.0", "4.3.4.3.4.3")]  # fmt: skip
    assert accuracies[0] + 10 < accuracies[1] > 75


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (train(MEMBERS[1], bars(), QUICK, seed) for seed in (5, 5, 6))
    assert first.losses == again.losses and first.accuracy == again.accuracy
    for key, value in first.module.state_dict().items():
        assert torch.equal(value, again.module.state_dict()[key]), key
    assert first.losses != other.losses


def test_training_leaves_torch_as_it_was() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(TINY, bars(), QUICK, seed=0)
    assert torch.equal(state, torch.get_rng_state()) and torch.get_num_threads() == threads


def test_progress_counts_steps() -> None:
    told: list[tuple[int, int]] = []
    train(TINY, bars(), QUICK, 0, lambda done, steps: told.append((done, steps)))
    assert told == [(i + 1, 12) for i in range(12)]


def test_the_trained_module_gives_the_writers_what_computes_the_same() -> None:
    from blocks.torch_modules import network_folded_weights, predict
    from profiler.export.check import run_model
    from profiler.export.tflite import write_tflite

    data = bars()
    trained = train(MEMBERS[1], data, QUICK, seed=0)
    model = write_tflite(MEMBERS[1].blocks, network_folded_weights(trained.module))
    expected = predict(trained.module, data.test_images)
    assert np.abs(run_model(model, data.test_images) - expected).max() < 1e-4 * np.abs(expected).max()


def test_weight_decay_spares_batch_norm_and_biases() -> None:
    from search.accuracy.training_torch import _optimizer, fresh_network

    module = fresh_network(MEMBERS[1], 0)
    decayed, spared = (group["params"] for group in _optimizer(module, QUICK).param_groups)
    assert len(decayed) + len(spared) == len(list(module.parameters()))
    names = {id(p): name for name, p in module.named_parameters()}
    assert all(names[id(p)].endswith(".weight") and ".bn." not in names[id(p)] for p in decayed)
    assert all(".bn." in names[id(p)] or names[id(p)].endswith(".bias") for p in spared)


def test_fresh_pointwise_convolutions_compute_what_torch_does() -> None:
    from blocks.torch_modules import NetworkModule
    from search.accuracy.training_torch import fresh_network

    ours, plain = fresh_network(MEMBERS[1], 3), NetworkModule(MEMBERS[1])
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(5, 1, 8, 8)
    assert torch.allclose(ours(x), plain(x), atol=1e-5)


def test_schedule_warms_up_then_falls_to_nothing() -> None:
    from search.accuracy.training_torch import _schedule

    factors = [_schedule(step, 100, 10) for step in range(100)]
    assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert factors[10] == 1 and factors[-1] < 0.01 and factors[9:] == sorted(factors[9:], reverse=True)
    assert _schedule(0, 100, 0) == 1


def test_shrinking_takes_the_mean_of_tiles() -> None:
    from search.accuracy.training_torch import _nchw

    images = np.random.default_rng(0).normal(size=(2, 6, 6, 2)).astype(np.float32)
    wanted = torch.nn.functional.avg_pool2d(torch.from_numpy(images).permute(0, 3, 1, 2), 3)
    assert torch.allclose(_nchw(images, 3), wanted, atol=1e-6)
    assert train(TINY, bars(), replace(QUICK, shrink=2), 0).losses != train(TINY, bars(), QUICK, 0).losses


def test_names_tell_everything_apart_that_matters() -> None:
    base = TrainingAccuracy(bars(), QUICK, seed=0, workers=0).name
    assert base == TrainingAccuracy(bars(), QUICK, seed=0, workers=2).name
    other = {"epochs": 3, "batch": 8, "optimizer": "adamw", "lr": 0.2, "weight_decay": 0.1, "warm_up": 0.2,
             "label_smoothing": 0.2, "shrink": 2}  # fmt: skip
    assert set(other) == {field.name for field in fields(TrainRecipe)}
    names = [TrainingAccuracy(bars(), replace(QUICK, **{k: v}), 0).name for k, v in other.items()]  # type: ignore[arg-type]
    names += [TrainingAccuracy(bars(), QUICK, 1).name, TrainingAccuracy(bars(1), QUICK, 0).name]
    names += [TrainingAccuracy(bars(name="stripes"), QUICK, 0).name]
    assert len({base, *names}) == 1 + len(names)


def test_workers_do_not_change_accuracies_and_their_failures_name_the_network() -> None:
    with TrainingAccuracy(bars(), QUICK, workers=0) as here:
        wanted = dict(here.evaluate(CANDIDATES))
    assert len(set(wanted.values())) > 1
    with TrainingAccuracy(bars(), QUICK, workers=2) as there:
        assert dict(there.evaluate(CANDIDATES)) == wanted
        assert dict(there.evaluate(CANDIDATES[1:])) == {0: wanted[1], 1: wanted[2]}
        assert list(there.evaluate([])) == []
        wrong = Candidate((9,), network(name="too-wide", size=16))
        with pytest.raises(OutcomeError, match=r"too-wide could not be trained: .*takes 16x1 images"):
            list(there.evaluate([*CANDIDATES, wrong]))
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_worker_that_dies_is_told_and_the_next_call_starts_others() -> None:
    with TrainingAccuracy(bars(), QUICK, workers=1) as accuracy:
        answers = accuracy.evaluate(CANDIDATES)
        next(answers)
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        with pytest.raises(OutcomeError, match=r"a training process died .* of 3 networks to go"):
            list(answers)
        assert len(dict(accuracy.evaluate(CANDIDATES))) == 3


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="lists child processes through /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_no_worker_outlives_this_process(how: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        "from dataclasses import replace\n"
        "from tests.test_training import CANDIDATES, QUICK, bars\n"
        "from search.accuracy.training import TrainingAccuracy\n"
        "if __name__ == '__main__':\n"
        "    with TrainingAccuracy(bars(), QUICK, workers=2) as short:\n"
        "        list(short.evaluate(CANDIDATES[:1]))\n"
        "    with TrainingAccuracy(bars(), replace(QUICK, epochs=100000), workers=2) as accuracy:\n"
        "        print('training', flush=True)\n"
        "        list(accuracy.evaluate(CANDIDATES))\n"
    )
    process = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == b"training\n"
        deadline = time.monotonic() + 60
        children: list[int] = []
        while len(workers := [pid for pid in children if b"spawn_main" in command_of(pid)]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
            children = children_of(process.pid)
        time.sleep(3)  # into the training
        process.send_signal(how)
        process.wait(30)
    while any(command_of(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers outlived the process that started them"
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def command_of(pid: int) -> bytes:
    """Command line, empty once the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_networks_that_do_not_fit_the_images_are_refused() -> None:
    for wrong, why in (
        (network(size=16), "takes 16x1 images"),
        (network(classes=4), "ends in 4 classes"),
        (Architecture("open", (BlockSpec.parse("conv-8x1-o3-k3-s2"),)), "only a head"),
    ):
        with pytest.raises(InputError, match=why):
            train(wrong, bars(), QUICK, 0)
    with pytest.raises(InputError, match="do not shrink by 3"):
        train(TINY, bars(), replace(QUICK, shrink=3), 0)
    with pytest.raises(InputError, match="batch=97"):
        train(TINY, bars(), replace(QUICK, batch=97), 0)


def test_a_training_that_diverges_says_so() -> None:
    with (
        TrainingAccuracy(bars(), replace(QUICK, lr=1e30), workers=0) as accuracy,
        pytest.raises(
            OutcomeError, match=r"network a could not be trained: .*diverged at step .*lower the learning rate"
        ),
    ):
        list(accuracy.evaluate(CANDIDATES))


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch": 1},
        {"optimizer": "adam"},
        {"lr": 0.0},
        {"weight_decay": -1.0},
        {"warm_up": 1.0},
        {"label_smoothing": 1.0},
        {"shrink": 0},
    ],
)
def test_recipes_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        replace(QUICK, **change)  # type: ignore[arg-type]


def test_images_that_do_not_fit_together_are_refused() -> None:
    data = bars()
    for change, why in (
        ({"test_images": data.test_images[:, :4, :4]}, "test: images are"),
        ({"train_labels": data.train_labels[1:]}, "train: 96 images need as many labels"),
        ({"validation_labels": data.validation_labels + 1}, r"validation: 48 images .* within 0..2"),
    ):
        with pytest.raises(InputError, match=why):
            replace(data, **change)


def test_workers_below_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="workers=-1"):
        TrainingAccuracy(bars(), QUICK, workers=-1)


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgenas\[train\]'"):
        list(TrainingAccuracy(bars(), QUICK).evaluate(CANDIDATES))


@pytest.mark.parametrize("text", ["ir-8x4-m8-o6-k1-s1-hswish", "ir-8x4-m8-o4-k3-s1-relu-res", "sep-8x4-o6-k1-s1-relu"])
def test_a_fresh_network_is_the_network_that_ships(text: str) -> None:
    """Quicker layers for training must leave shapes and values as the writers know them."""
    from blocks.torch_modules import NetworkModule, network_folded_weights
    from search.accuracy.training_torch import fresh_network

    blocks = (BlockSpec.parse(text), BlockSpec("head", 8, BlockSpec.parse(text).c_out, c_out=3))
    network = fresh_network(Architecture("one", blocks), seed=0).eval()
    plain = NetworkModule(Architecture("one", blocks)).eval()
    plain.load_state_dict(network.state_dict())
    x = torch.randn(2, 4, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), plain(x))
    for block, weights in zip(blocks, network_folded_weights(network), strict=True):
        check_weights(block, weights)
