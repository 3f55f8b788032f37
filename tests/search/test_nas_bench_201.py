"""NAS-Bench-201 from its joined table, and the spaces of the benchmark in which a network is its name."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.search.accuracy.nas_bench_201 import NasBench201, cell_of, read_columns
from edgenas.search.digests import network_digest
from edgenas.search.problem import Candidate
from edgenas.search.spaces import space
from tools.bench.named_networks import CELL_EDGES, nas_bench_201, nas_bench_macro_by_name
from tools.bench.search_tasks import CellsOnPi4

BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"


@pytest.fixture(scope="module")
def table(shared_data: Path) -> Path:
    return shared_data / "nasbench201" / "nasbench201.csv.gz"


def test_published_accuracies_whatever_the_order_of_edges(table: Path) -> None:
    test = read_columns(table, ["acc200_cifar10_test"])["acc200_cifar10_test"]
    assert max(test.values()) == pytest.approx(94.37, abs=0.01)
    text = gzip.decompress(table.read_bytes()).decode()
    wanted = float(next(line for line in text.splitlines() if BEST in line).split(",")[3])
    operations = dict(zip(CELL_EDGES, ("3x3", "3x3", "3x3", "skip", "3x3", "3x3"), strict=True))
    for seed in range(4):
        s = nas_bench_201(seed)
        choice = tuple(
            next(i for i, option in enumerate(layer.options) if operations[layer.name] in option.key)
            for layer in s.layers
        )
        accuracy = NasBench201(s, test, "cifar10")
        assert dict(accuracy.evaluate([Candidate(choice, s.architecture(choice))])) == {0: wanted}
    assert {nas_bench_201(seed).layers[0].name for seed in range(8)} > {"1<0"}


def test_files_of_another_form_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with pytest.raises(InputError, match="No such file"):
        read_columns(path, ["a"])
    for text, message in (
        ("x,y\n1,2\n", "is no table of NAS-Bench-201"),
        (f"arch_str,a\n{BEST},high\n", "is no table"),
        ("arch_str,a\n|none~0|,1\n", "is no table"),
        (f"arch_str,a\n{BEST},1\n", "does not hold the 15,625 cells"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_columns(path, ["a"])


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgenas.search.accuracy.nas_bench_201.MOST_BYTES", 1 << 20)
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(bytes(2 << 20)))
    with pytest.raises(InputError, match="it unpacks to more than 1 MiB"):
        read_columns(tmp_path / "table.csv.gz", ["a"])


def test_names_make_networks_and_work_is_as_it_was() -> None:
    known, named, rng = space("nas_bench_macro"), nas_bench_macro_by_name(), random.Random(0)
    digests = set()
    for choice in [known.sample(rng) for _ in range(50)]:
        one, other = known.architecture(choice), named.architecture(choice)
        assert (one.macs, one.params) == (other.macs, other.params)
        digests.add(network_digest(other))
    assert len(digests) == 50
    first, second = ("1.1.1.0.1.1.1.1", "1.1.1.1.0.1.1.1")
    assert len({network_digest(known.architecture(known.parse(key))) for key in (first, second)}) == 1
    assert len({network_digest(named.architecture(named.parse(key))) for key in (first, second)}) == 2


@pytest.mark.slow
def test_a_pi_4_budget_is_kept_by_measured_latency(table: Path) -> None:
    from edgenas.search.algorithms.hybrid import hybrid
    from edgenas.search.trials import Trials

    ms = read_columns(table, ["lat_raspi4"])["lat_raspi4"]
    for asked in CellsOnPi4(table, "cifar100").asked(1)[:2]:
        problem = asked.problem
        result = hybrid(problem, Trials(problem, max_trials=40))
        for trial in result.trials:
            assert trial.cost == ms[cell_of(problem.space, trial.choice)]
        assert result.best.cost <= problem.budget
        over = [trial for trial in result.trials[20:] if trial.cost > problem.budget]
        assert not over  # only what it began with, half of the trials, may cost more
