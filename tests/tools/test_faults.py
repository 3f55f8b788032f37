"""A sample of tools/bench/faults/__main__.py, and that its counts see what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench.faults.__main__ import cases, rows
from tools.bench.faults.campaign import BATCH, BLOCKS
from tools.bench.faults.kinds import KINDS, Heal, Kind, Scene, moment, nothing
from tools.bench.faults.rig import GOVERNOR
from tools.bench.faults.trial import Trial, chance_of, run_trial

pytestmark = pytest.mark.slow

SAMPLE = [
    ("kill -9 us", "ssh"),
    ("kill runner", "fake"),
    ("kill server", "adb"),
    ("cable", "ssh"),
    ("power cut", "adb"),
    ("full device", "fake"),
    ("full host", "local"),
    ("throttled", "fake"),
    ("bad output", "fake"),
    ("two at once", "fake"),
]


def early(kind: Kind, transport: str) -> int:
    """A seed with which the fault comes while there is much to do."""
    return next(seed for seed in range(99) if moment(chance_of(kind, transport, seed))[0] == 1)


@pytest.mark.parametrize(("name", "transport"), SAMPLE)
def test_a_fault_is_survived(name: str, transport: str, tmp_path: Path) -> None:
    can, cannot = cases(name)
    if why := cannot.get(f"{name}, {transport}"):
        pytest.skip(why)
    (kind,) = (kind for kind, by in can if by == transport)
    trial = run_trial(kind, transport, early(kind, transport), tmp_path)
    assert trial.injected
    assert not trial.misses, trial


def test_what_is_wrong_is_counted(tmp_path: Path) -> None:
    def cheat(scene: Scene) -> Heal:
        rig = scene.rig
        again = f"0 {BLOCKS[-1]}\n"
        with rig.here(rig.log).open("a") as log:
            log.write(f"ended {again}" + f"begun {again}" * 2 * BATCH)
        (rig.base / "stray").touch()

        def spoil() -> None:
            for path in rig.cpu.glob("cpu*/cpufreq/scaling_governor"):
                path.write_text("powersave\n")

        return spoil

    kind = Kind("cheat", ("fake",), cheat)
    trial = run_trial(kind, "fake", early(kind, "fake"), tmp_path)
    assert trial.survived
    assert trial.injected
    assert (trial.lost_batches, trial.repeated, trial.left, trial.clock) == (2, 1, 1, 1)
    assert trial.misses
    assert GOVERNOR not in str(trial.why)
    (row, total) = rows([trial])
    assert (total.injected, total.most_lost, total.repeated) == (1, 2, 1)
    assert row.transport == "fake"


def test_a_changed_number_is_corrupt(tmp_path: Path) -> None:
    def lie(scene: Scene) -> Heal:
        scene.rig.spoil_next("digit")
        return nothing

    kind = Kind("lie", ("fake",), lie)
    trial = run_trial(kind, "fake", early(kind, "fake"), tmp_path)
    assert trial.corrupt == 1, "a runner that lies is believed, and seen here"


def test_a_trial_that_was_not_injected_misses_no_bar() -> None:
    assert not Trial("fake", KINDS[0].name, 0).misses
    assert Trial("fake", KINDS[0].name, 0, injected=True).misses
