"""The whole story on one machine: blocks -> tables -> two searches -> a trained, exported and verified model.

Everything is written into one folder as it becomes known. Latency tables and judged networks are journals, so that a
demo that was stopped goes on where it was when it is given the same folder.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks.errors import OutcomeError
from edgenas.measuring import Verdict, verify_files
from edgenas.searching import SearchRecord, run_searches
from edgenas.shipping import accuracy_of_file, export_network, parity_max_rel
from profiler.enough import Enough

if TYPE_CHECKING:
    from devices.inventory import Entry
    from latency_tables.table import LatencyTable
    from latency_tables.validation import Validation
    from search.problem import Cost, Trial
    from search.space import Choice, Space

Update = Callable[[int, int | None, str], None]  #: done, total (None: unknown), note

RUNTIMES = ("litert", "onnxruntime")  #: measured, in this order; the budget is in the first one's milliseconds
QUANTILES = (0.15, 0.45, 0.8)  #: of latency among random networks: the three budgets
SHIPPED = 1  #: which of them is shipped: the middle one
FINALISTS = 6  #: most accurate judged networks inside that budget that are timed as whole networks, at a time
PROCESSES, MOST_PROCESSES = 4, 40  #: fresh ones that time a network; most for a shipped file that is outside
ENOUGH = Enough(3, 4)  #: processes that time each block: minutes are what a demo has
HELD_OUT = 12  #: networks timed whole before the search, to validate the table
ROUNDS = 4  #: times that more finalists are looked for, each with what the last ones taught about sums of blocks
OPTIONS: dict[str, dict[str, Any]] = {"mathnas": {"power": 0.0}, "layernas": {"buckets": 2, "fill": "mid"}}


@dataclass(frozen=True)
class Story:
    """What a demo found: everything the report needs."""

    space: Space
    tables: dict[str, LatencyTable]
    cost: Cost
    proof: Validation
    record: SearchRecord
    budgets: tuple[float, ...]
    finalists: list[tuple[str, float, Verdict]]  # key, judged accuracy, how it was timed with random weights
    winner: Choice
    accuracy: dict[str, float]  # by file format, on test images never seen before, by running the file
    parity_max_rel: dict[str, float]
    verdicts: list[Verdict]
    files: dict[str, Path]

    @property
    def budget_ms(self) -> float:
        return self.budgets[SHIPPED]

    @property
    def shipped(self) -> Verdict:
        """The verdict on the file that the budget is about."""
        return self.verdicts[0]


@dataclass
class Demo:
    """One run in ``folder``. ``step`` hears what begins, ``update`` of its progress."""

    folder: Path
    entry: Entry
    seed: int = 0
    workers: int = 2
    step: Callable[[str], None] = lambda text: None
    update: Update = lambda done, total, note: None
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> Story:
        """Everything, in order. OutcomeError when none of the most accurate networks found is inside the budget when
        timed as a whole."""
        from latency_tables.calibrated import CalibratedTable
        from search.cost import latency_cost
        from search.spaces import space as find_space

        self.folder.mkdir(parents=True, exist_ok=True)
        space = find_space("digits")
        with self._timed("tables", f"measuring {len(space.blocks())} blocks of the space {space.name}"):
            tables = {runtime: self._table(space, runtime) for runtime in RUNTIMES}
        with self._timed(
            "validation", f"timing {HELD_OUT} held-out networks whole, to see whether sums can be trusted"
        ):
            proof = self._validation(space)
        trusted = CalibratedTable(tables[RUNTIMES[0]], proof)
        cost = latency_cost(trusted, "min", space.blocks(), trusted.fixed_ms)
        budgets = quantile_budgets(space, cost, self.seed)
        shown = ", ".join(f"{budget:g}" for budget in budgets)
        with self._timed("search", f"searching {space.networks:,} networks for {shown} ms, training each candidate"):
            record = self._search(space, cost, budgets)
        with self._timed("finalists", f"timing the {FINALISTS} most accurate within {budgets[SHIPPED]:g} ms whole"):
            finalists = self._finalists(space, record, budgets[SHIPPED], proof.statistic)
        inside = [space.parse(key) for key, _, verdict in finalists if verdict.within_budget]
        if not inside:
            raise OutcomeError(
                f"none of the {len(finalists)} networks timed is inside {budgets[SHIPPED]:g} ms as a whole on "
                f"this machine, so that its table is not to be trusted: close what else runs, and run the demo again"
            )
        return self._ship(space, tables, cost, proof, record, budgets, finalists, inside[0])

    @contextmanager
    def _timed(self, name: str, text: str) -> Iterator[None]:
        self.step(text)
        begin = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begin, 1)

    def _table(self, space: Space, runtime: str) -> LatencyTable:
        from latency_tables.frames import write_csv
        from profiler.campaign import profile
        from profiler.export import WRITERS
        from profiler.plan import Plan
        from profiler.runtimes import RUNTIMES as ALL
        from profiler.work import Progress

        def told(p: Progress) -> None:
            self.update(p.done, p.total, f"{runtime}: {p.note}")

        campaign = profile(
            self.entry.open(), ALL[runtime], space.blocks(), self.folder / f"table-{runtime}.jsonl",
            writer=WRITERS[ALL[runtime].format], program=self.entry.python, plan=Plan(cores=self.entry.cores),
            enough=ENOUGH, progress=told,
        )  # fmt: skip
        missing = campaign.table.missing(space.blocks())
        if missing:
            why = campaign.failures[0].message if campaign.failures else "no reason given"
            raise OutcomeError(f"{len(missing)} blocks were not measured under {runtime}, such as {missing[0]}: {why}")
        write_csv(campaign.table.to_frame(), self.folder / f"table-{runtime}.csv")
        return campaign.table

    def _validation(self, space: Space) -> Validation:
        from edgenas.validating import Asked, validate
        from profiler.work import Progress

        def told(p: Progress) -> None:
            self.update(p.done, p.total, f"networks and blocks: {p.note}")

        asked = Asked(space, HELD_OUT, processes=3, chains=False, seed=self.seed)
        return validate(self.entry, self.folder / f"table-{RUNTIMES[0]}.jsonl", asked, progress=told)

    def _search(self, space: Space, cost: Cost, budgets: tuple[float, ...]) -> SearchRecord:
        from edgenas.judges import open_accuracy
        from search.journal import TrialCache
        from search.problem import Problem

        journal = self.folder / "search.trials.jsonl"
        with (
            open_accuracy("digits", space, self.seed, self.workers) as judge,
            TrialCache(space, judge, journal) as cache,
        ):

            def told(algorithm: str, budget: float, trial: Trial) -> None:
                self.update(len(cache), None, f"{algorithm} at {budget:g} ms: {trial.accuracy:.1f} %")

            def problem(budget: float) -> Problem:
                return Problem(space, cost, judge, budget, self.seed)

            return run_searches(problem, budgets, OPTIONS, cache, progress=told)

    def _finalists(
        self, space: Space, record: SearchRecord, budget_ms: float, statistic: str
    ) -> list[tuple[str, float, Verdict]]:
        """Judged networks timed whole with random weights, best first, until one is inside the budget: the time of a
        network does not depend on its weights, and one that does not fit need not be trained.

        Where whole networks are slower than the sums of their blocks, the sums are scaled by the median ratio seen so
        far before the next ones are chosen; where none is left that fits so, the fastest are tried."""
        left = {t.choice: t for run in record.runs for t in run.result.trials}
        found: list[tuple[str, float, Verdict]] = []
        ratio = 1.0
        for _ in range(ROUNDS):
            fits = [t for t in left.values() if t.cost * ratio <= budget_ms]
            ranked = sorted(fits, key=lambda t: (-t.accuracy, t.cost))[:FINALISTS]
            ranked = ranked or sorted(left.values(), key=lambda t: t.cost)[:FINALISTS]
            if not ranked:
                break
            verdicts = self._time_whole(space, [left.pop(t.choice) for t in ranked], budget_ms, statistic)
            found += [(space.key(t.choice), t.accuracy, v) for t, v in zip(ranked, verdicts, strict=True)]
            if any(v.within_budget for v in verdicts):
                break
            ratio = statistics.median(v.high_ms / t.cost for t, v in zip(ranked, verdicts, strict=True))
        return sorted(found, key=lambda finalist: -finalist[1])

    def _time_whole(self, space: Space, trials: list[Trial], budget_ms: float, statistic: str) -> list[Verdict]:
        from blocks.weights import network_random_weights
        from profiler.export import WRITERS

        models = {}
        for trial in trials:
            blocks = space.architecture(trial.choice).blocks
            models[space.key(trial.choice)] = WRITERS["tflite"](blocks, network_random_weights(blocks, self.seed))
        return self._verify(models, RUNTIMES[0], budget_ms, None, statistic)

    def _ship(
        self,
        space: Space,
        tables: dict[str, LatencyTable],
        cost: Cost,
        proof: Validation,
        record: SearchRecord,
        budgets: tuple[float, ...],
        finalists: list[tuple[str, float, Verdict]],
        winner: Choice,
    ) -> Story:
        from blocks.torch_modules import network_folded_weights, predict
        from blocks.weights import save_weights
        from search.accuracy.digits import FULL_RECIPE, digits
        from search.accuracy.training import train

        architecture = space.architecture(winner)
        with self._timed("training", f"training the winner {architecture.name}"):
            data = digits(space.in_size)
            trained = train(
                architecture, data, FULL_RECIPE, self.seed, lambda done, total: self.update(done, total, "steps")
            )
        with self._timed("shipping", "exporting it, checking parity and accuracy, verifying it on this machine"):
            weights = network_folded_weights(trained.module)
            save_weights(self.folder / "weights.npz", weights)
            files = export_network(architecture, weights, self.folder)
            images, labels = data.normalised(data.test_images), data.test_labels
            parity = parity_max_rel(files, architecture, images, predict(trained.module, images))
            accuracy = {kind: accuracy_of_file(path, images, labels) for kind, path in files.items()}
            verdicts = []
            for runtime, path in zip(RUNTIMES, files.values(), strict=True):
                predicted_ms = cost.total(architecture) if runtime == RUNTIMES[0] else None
                budget_ms = budgets[SHIPPED] if runtime == RUNTIMES[0] else None
                model = {path.name: path.read_bytes()}
                verdicts += self._verify(model, runtime, budget_ms, predicted_ms, proof.statistic, MOST_PROCESSES)
        return Story(space, tables, cost, proof, record, budgets, finalists, winner, accuracy, parity, verdicts, files)

    def _verify(
        self,
        models: dict[str, bytes],
        runtime: str,
        budget_ms: float | None,
        predicted_ms: float | None,
        statistic: str,
        most: int | None = None,
    ) -> list[Verdict]:
        from profiler.plan import Plan

        return verify_files(
            self.entry, models, runtime, plan=Plan(rounds=20, cores=self.entry.cores), processes=PROCESSES, most=most,
            budget_ms=budget_ms, predicted_ms=predicted_ms, statistic=statistic,
            progress=lambda done, total: self.update(done, total, runtime),
        )  # fmt: skip


def quantile_budgets(space: Space, cost: Cost, seed: int, networks: int = 1000) -> tuple[float, ...]:
    """Budgets in ms at QUANTILES of the costs of random networks, to three digits."""
    rng = random.Random(seed)
    costs = sorted(cost.total(space.architecture(space.sample(rng))) for _ in range(networks))
    return tuple(float(f"{costs[int(q * networks)]:.3g}") for q in QUANTILES)
