"""Every algorithm keeps every promise of ``tests.support.algorithm_conformance``. A new one adds a line to
``ENTRIES``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgenas.search.algorithms.by_name import ALGORITHMS
from tests.conftest import ROOT
from tests.support.algorithm_conformance import CHECKS, Check, Entry
from tests.support.algorithm_conformance_limits import LIMIT_CHECKS

ENTRIES: tuple[Entry, ...] = (
    Entry("layernas", {"buckets": 20}, optimum={"buckets": 5000}, under_limits={"keep": 50}),
    Entry("layernas", {"buckets": 10, "keep": 2, "fill": "mid", "passes": 2}),
    Entry("layernas", {"buckets": 20, "fill": "min"}),
    Entry("mathnas", optimum={"power": 0.0}),
    Entry("mathnas", {"power": 0.0, "top": 3}),
    Entry("mathnas", {"power": 0.3, "fraction": 0.2}, seeded=True),
    Entry("hybrid", optimum={}),
    Entry("random", {"samples": 20}, seeded=True, optimum={"samples": 200}),
    Entry("regularized_evolution", {"samples": 20}, seeded=True, optimum={"samples": 200}),
    Entry("ofa_evolution", {"population": 8, "iterations": 3}, seeded=True, optimum={"population": 20}),
    Entry("reinforce", {"samples": 20}, seeded=True, optimum={"samples": 200}),
    Entry("nsga2", {"population": 8, "generations": 4}, seeded=True, optimum={"population": 20}),
)


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS + LIMIT_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_every_algorithm(entry: Entry, check: Check, tmp_path: Path) -> None:
    check(entry, tmp_path)


def test_every_algorithm_has_an_entry() -> None:
    assert {entry.name for entry in ENTRIES} == set(ALGORITHMS)


@pytest.mark.slow
def test_searching_needs_no_torch_and_waits_with_what_is_heavy() -> None:
    code = """
import sys
sys.modules["torch"] = None
from edgenas.search.algorithms.by_name import search
from edgenas.search.trials import Trials
from tests.support.search_toys import plain_space, toy_problem
from tests.search.test_algorithms_conformance import ENTRIES
problem = toy_problem(plain_space())
for entry in sorted(ENTRIES, key=lambda entry: entry.name == "nsga2"):
    if entry.name == "nsga2":
        assert {"scipy", "pandas", "onnxruntime", "sklearn", "pymoo"}.isdisjoint(sys.modules), "a heavy import"
    search(entry.name, problem, Trials(problem), **entry.options)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
