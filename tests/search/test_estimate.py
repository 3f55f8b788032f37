"""Accuracies predicted from some networks: how well, from which, and never more of them than asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import pytest

from edgenas.base.errors import InputError
from edgenas.search.accuracy.estimate import EstimateAccuracy
from edgenas.search.accuracy.estimate_by_name import fed_by
from edgenas.search.problem import Candidate
from edgenas.search.space import Space
from edgenas.search.spaces import space as find_space
from tests.edgenas.test_cli import edgenas
from tests.support.listeners import Recorder
from tests.support.search_toys import BlockSumAccuracy, ends_space, plain_space, widths_space


def drawn(space: Space, count: int, seed: int = 1) -> list[Candidate]:
    rng = random.Random(seed)
    return [Candidate(c, space.architecture(c)) for c in (space.sample(rng) for _ in range(count))]


def off(accuracy: EstimateAccuracy, judge: BlockSumAccuracy, candidates: Sequence[Candidate]) -> float:
    """Median of how far predictions are from the truth."""
    told, true = dict(accuracy.evaluate(candidates)), dict(judge.evaluate(candidates))
    return median(abs(told[i] - true[i]) for i in true)


@pytest.mark.parametrize("space", [plain_space(), widths_space(), ends_space()], ids=lambda s: s.name)
def test_networks_never_judged_are_predicted_as_well_as_it_says(space: Space) -> None:
    judge = BlockSumAccuracy(jitter=0.5)
    accuracy = EstimateAccuracy(space, judge, 40)
    fitted = accuracy.fitted()
    assert fitted.networks == len(set(judge.asked)) == len(judge.asked) == 40
    assert off(accuracy, BlockSumAccuracy(jitter=0.5), drawn(space, 300)) < 2 * fitted.half_within < 2
    assert fitted.ninety_within > fitted.half_within
    assert fitted.tau.value > 0.6
    assert len(judge.asked) == 40


def test_blocks_are_mathnas_own_and_judged_on_what_they_have_not_seen() -> None:
    space, judge = plain_space(), BlockSumAccuracy()
    accuracy = EstimateAccuracy(space, judge, 40, "blocks")
    fitted = accuracy.fitted()
    assert len(judge.asked) == fitted.networks == 40 and fitted.tau.members == 40 - 10
    assert 0.5 < off(accuracy, BlockSumAccuracy(), drawn(space, 300)) / fitted.half_within < 2


class _CutError(Exception):
    """What stands for a machine that is taken away."""


class _Cut(BlockSumAccuracy):
    """Ends after some networks."""

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        for number, answer in enumerate(super().evaluate(candidates)):
            if number == 7:
                raise _CutError
            yield answer


def test_a_fit_that_was_cut_goes_on_and_one_that_is_done_asks_nobody(tmp_path: Path) -> None:
    space, candidates, journal = widths_space(), drawn(widths_space(), 20), tmp_path / "fed.jsonl"
    whole = dict(EstimateAccuracy(space, BlockSumAccuracy(), 30).evaluate(candidates))
    with pytest.raises(_CutError):
        EstimateAccuracy(space, _Cut(), 30, journal=journal).fitted()
    recorder = Recorder()
    for asked in (30 - 7, 0):
        judge = BlockSumAccuracy()
        accuracy = EstimateAccuracy(space, judge, 30, journal=journal, listener=recorder)
        assert dict(accuracy.evaluate(candidates)) == pytest.approx(whole)
        assert len(judge.asked) == asked
    heard = recorder.counts
    assert heard[0] == (8, 30) and heard[-1] == (30, 30) and len(heard) == 23
    assert set(recorder.names) == {"networks judged that the estimate is fitted to"}
    again = Recorder()  # another seed takes other networks than the 30 of the journal
    EstimateAccuracy(space, BlockSumAccuracy(), 20, seed=5, journal=journal, listener=again).fitted()
    assert 30 < again.counts[0][0] <= again.counts[-1][0] == again.counts[-1][1] <= 50


def test_names_tell_apart_what_predictions_depend_on() -> None:
    space, judge = plain_space(), BlockSumAccuracy()
    names = {
        EstimateAccuracy(space, *arguments).name
        for arguments in (
            (judge,),
            (judge, 60),
            (judge, 100, "blocks"),
            (judge, 100, "ridge", 1),
            (BlockSumAccuracy(seed=1),),
        )
    }
    assert len(names) == 5 and all(name.startswith("estimate:") and "block-sum" in name for name in names)


def test_misuse_is_named() -> None:
    with pytest.raises(InputError, match="model='tree' is not one of factors, ridge, blocks"):
        EstimateAccuracy(plain_space(), BlockSumAccuracy(), model="tree")
    for model, least in (("factors", 10), ("ridge", 10), ("blocks", 20)):
        with pytest.raises(InputError, match=f"networks=9 of toy_plain must be {least} or more for model={model}"):
            EstimateAccuracy(plain_space(), BlockSumAccuracy(), 9, model)
    for text in ("estimate:", "estimate:estimate", "estimate:estimate:train"):
        with pytest.raises(InputError, match="names no judge"):
            fed_by(text)
    assert [fed_by(text) for text in ("estimate", "estimate:train", "train")] == ["supernet", "train", "train"]


@pytest.mark.slow
def test_searching_by_an_estimate_as_typed(tmp_path: Path, shared_data: Path) -> None:
    published = shared_data / "nas_bench_macro" / "nas-bench-macro_cifar10.json"
    args = (
        "search",
        "nas_bench_macro",
        "--budget-macs",
        "60e6",
        "--accuracy",
        f"estimate:nas-bench-macro:{published}",
        "--algorithm",
        "hybrid",
        "--max-trials",
        "200",
        "--set",
        "estimate.networks=60",
        "--json",
    )
    result = edgenas(*args, cwd=tmp_path)
    record = json.loads(result.stdout)
    assert record["estimate"]["networks"] == 60 and record["estimate"]["half_within"] < 0.5
    assert record["estimate"]["tau"]["value"] > 0.7
    assert record["accuracy"].startswith("estimate:factors-60-seed0:") and record["winner"]["judged"] > 60
    assert (tmp_path / "search.estimate.trials.jsonl").read_text().count("\n") == 61
    wrong = edgenas(*args[:-3], "--set", "estimate.network=60", cwd=tmp_path, check=2)
    assert "did you mean 'networks'? It has networks, model" in wrong.stderr


@pytest.mark.slow
def test_an_estimate_of_trainings_on_real_digits() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from edgenas.search.accuracy.training import TrainingAccuracy
    from edgenas.training.data import TrainRecipe
    from edgenas.training.digits import digits

    space = find_space("digits", 24)
    recipe = TrainRecipe(epochs=3, optimizer="adamw", lr=0.03, weight_decay=0.01, shrink=2)
    feeder = TrainingAccuracy(digits(24, 600, 1, 1), recipe, workers=0)
    accuracy = EstimateAccuracy(space, feeder, 14)
    told = [percent for _, percent in accuracy.evaluate(drawn(space, 200))]
    assert max(told) - min(told) > 1 and accuracy.fitted().networks == 14
    assert all(0 <= percent <= 100 for percent in told)
