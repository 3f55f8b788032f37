"""Published weights in ``ship``: which member has them, that it competes, and what images and trainings change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.api.ship import ship
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import Listener
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.accuracy.image_task import ImageTask, image_task
from edgenas.search.cost import macs_cost
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Problem
from edgenas.search.published import PublishedMember, published_member
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.space import Space
from edgenas.search.spaces import space
from edgenas.ship.finalists import find_finalists
from edgenas.ship.order import ShipRequest
from edgenas.ship.published import with_published
from edgenas.training.data import TrainRecipe
from tests.edgenas.test_cli import edgenas
from tests.edgenas.test_finalists import Device
from tests.support.picture_toys import write_classes
from tests.support.published_names import random_tensors

KEY = "2.2.5.5.2.2.2.5.5.5.5.5.5.5.2"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "lite0.npz"
    np.savez(path, **random_tensors("efficientnet_pytorch/efficientnet-lite0"))
    return path


@pytest.fixture(scope="module")
def lite() -> Space:
    return space("efficientnet_lite0", 32, 3)


@pytest.fixture(scope="module")
def member(lite: Space, weights: Path) -> PublishedMember:
    return published_member(lite, str(weights), None)


def searched(lite: Space, budget: float, folder: Path) -> SearchRecord:
    judge = CallableAccuracy(lambda network: 90.0 - network.macs / 1e9, "by fewest MACs")
    with TrialCache(lite, judge, folder / "own.trials.jsonl") as cache:
        return run_searches(
            lambda most: Problem(lite, macs_cost(), judge, most, 0), [budget], {"random": {}}, cache, max_trials=20
        )


class Messages(Listener):
    """A listener that keeps all messages."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        self.told.append(text)


def order_of(lite: Space, member: PublishedMember, folder: Path) -> ShipRequest:
    (folder / "judge.py").write_text("def judge(network):\n    return 90 - network.macs / 1e9\n")
    return ShipRequest(lite, f"{folder}/judge.py:judge", TrainRecipe(epochs=1), published=member)


def test_the_member_with_the_weights_is_found(lite: Space, member: PublishedMember, weights: Path) -> None:
    assert lite.key(member.choice) == KEY and member.name == "efficientnet_pytorch/efficientnet-lite0"
    assert member.pretrained.architecture.c_out == 1000  # the classes of the weights, not of the images
    with pytest.raises(InputError, match=r"space nas_bench_macro has no member with published weights"):
        published_member(space("nas_bench_macro"), str(weights), None)
    with pytest.raises(InputError, match="has no member with timm/fbnetc_100"):
        published_member(lite, str(weights), "timm/fbnetc_100")
    with pytest.raises(InputError, match="does not fit"):
        published_member(space("mobilenet_v2", 32, 3), str(weights), None)


def test_it_competes(lite: Space, member: PublishedMember, tmp_path: Path) -> None:
    architecture = lite.architecture(member.choice)
    budget = architecture.macs * 1.01
    order = order_of(lite, member, tmp_path)
    plain = searched(lite, budget, tmp_path)
    record, also = with_published(plain, order, tmp_path, 0, 0)
    (trial,) = also
    assert (trial.choice, trial.cost) == (member.choice, architecture.macs)
    assert [len(run.result.trials) for run in record.runs] == [len(run.result.trials) + 1 for run in plain.runs]
    assert trial.accuracy == min(t.accuracy for t in record.runs[0].result.trials)
    timed = find_finalists(lite, record, budget, Device(0.5 * 10e6 / budget), also)
    assert KEY in [each.key for each in timed]  # though it is the last by the judge
    again, same = with_published(plain, order, tmp_path, 0, 0)
    assert same[0].accuracy == trial.accuracy and not same[0].newly_judged and len(again.runs) == len(record.runs)


def test_outside_the_budget_it_does_not(lite: Space, member: PublishedMember, tmp_path: Path) -> None:
    budget = lite.architecture(member.choice).macs * 0.8
    plain, messages = searched(lite, budget, tmp_path), Messages()
    record, also = with_published(plain, order_of(lite, member, tmp_path), tmp_path, 0, 0, messages)
    assert record is plain and also == () and "itself is outside the budget" in messages.told[0]
    without = replace(order_of(lite, member, tmp_path), published=None)
    assert with_published(plain, without, tmp_path, 0, 0) == (plain, ())


def test_other_members_begin_with_what_is_cut_out(lite: Space, member: PublishedMember) -> None:
    pytest.importorskip("torch")
    from edgenas.training.fine_tuning import started

    own = lite.architecture(member.choice)
    assert member.start(own).exact
    for block, given in zip(member.start(own).tensors, member.pretrained.tensors, strict=True):
        assert all(np.array_equal(block[name], given[name]) for name in block)
    smaller = lite.architecture(lite.parse("0." + KEY[2:]))
    start = member.start(smaller)
    assert not start.exact and started(start, smaller).architecture == smaller


def test_images_are_scaled_as_in_the_weights_training(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    write_classes(tmp_path / "photos", 12)
    task = image_task("train", tmp_path / "photos", tmp_path / "search", {}, "cpu", 0)
    assert isinstance(task, ImageTask) and task.winner_recipe().epochs == 60
    scaled = replace(task, scaling=((127.0,) * 3, (128.0,) * 3), settings={"winner": {"lr": 0.01}})
    (data,) = scaled.read(space("nas_bench_macro", 8, 3))
    assert (data.mean, data.deviation) == ((127.0,) * 3, (128.0,) * 3)
    recipe = scaled.winner_recipe()
    assert (recipe.epochs, recipe.batch, recipe.lr, recipe.flip) == (8, 16, 0.01, True)


def test_a_training_from_random_weights_is_compared(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from edgenas.ship.from_scratch import compared
    from tests.support.training_toys import QUICK, TINY, bars

    data = bars()
    right = np.eye(data.classes, dtype=np.float32)[data.test_labels]
    order = ShipRequest(space("nas_bench_macro"), "digits", QUICK, scratch=replace(QUICK, epochs=1))
    messages = Messages()
    found = compared(order, TINY, data, right, 0, messages, tmp_path)
    assert found is not None and (found.pretrained, found.epochs) == (100.0, 1)
    assert found.accuracy < 100 and found.gain == 100 - found.accuracy
    assert f"{found.accuracy:.2f} % from random ones (1 epochs" in messages.told[-1]
    assert len(list(tmp_path.glob("winner-*.checkpoint.npz"))) == 1
    assert compared(replace(order, scratch=None), TINY, data, right, 0, messages, tmp_path) is None


def test_what_float32_itself_moves_is_no_error_of_a_file(tmp_path: Path) -> None:
    """A network with a channel that hardly varies amplifies rounding errors from layer to layer."""
    torch = pytest.importorskip("torch")
    from edgenas.blocks.torch_modules import NetworkModule, network_folded_weights, predict
    from edgenas.profiler.export.network import export_network, parity_max_rel
    from edgenas.ship.accuracy import float32_rounding
    from tests.support.training_toys import TINY, bars

    torch.manual_seed(0)
    module, data = NetworkModule(TINY).eval(), bars()
    images = data.normalised(data.test_images)
    outputs = predict(module, images)
    rounding = float32_rounding(module, images, outputs)
    assert 1e-9 < rounding < 2e-6
    files = export_network(TINY, network_folded_weights(module), tmp_path, ("onnx",))
    wrong = outputs + 3e-5 * np.abs(outputs).max()
    with pytest.raises(OutcomeError, match="off by 3e-05 relative, more than 1e-05"):
        parity_max_rel(files, TINY, images, wrong, rounding)
    assert parity_max_rel(files, TINY, images, wrong, 1e-5)["onnx"] == pytest.approx(3e-5, rel=0.1)


def test_a_comparison_needs_published_weights(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--from-scratch-too compares with .*; add --pretrained"):
        ship("nas_bench_macro", images=tmp_path, budget_ms=1, from_scratch_too=True)
    with pytest.raises(InputError, match=r"--set scratch\.epochs is for --from-scratch-too; add it"):
        ship("nas_bench_macro", images=tmp_path, budget_ms=1, options={"scratch": {"epochs": 3}})


def test_a_space_without_these_weights_is_refused_before_anything_is_written(weights: Path, tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    write_classes(tmp_path / "photos", 12)
    base = ["ship", "nas_bench_macro", "--images", "photos", "--budget-ms", "1", "--pretrained", str(weights)]
    done = edgenas(*base, cwd=tmp_path, check=2)
    assert "has no member with published weights" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]
