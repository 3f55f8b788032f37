"""Kinds of faults: each function disturbs a running campaign at a random moment of the trial; the function that it
returns removes the fault.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgenas.devices.session.lock import LockedError
from tools.bench.faults import campaign as campaign
from tools.bench.faults.campaign import BATCH, MODEL_S, PAIRS, Started
from tools.bench.faults.rig import RemoteRig, Rig
from tools.bench.faults.transports import AdbRig, SshRig
from tools.rig import process

REMOTE = ("fake", "ssh", "adb")
ALL = (*REMOTE, "local")


@dataclass(slots=True)
class Scene:
    """State of one trial: the device, the running campaign, the random numbers, and the table. ``wrong`` holds the
    findings of the kind itself. ``excused`` counts jobs that had ended when the fault removed the record of their end.
    """

    rig: Rig
    running: Started
    random: random.Random
    table: Path
    wrong: list[str]
    excused: int = 0


Heal = Callable[[], None]
Inject = Callable[[Scene], Heal]


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of fault. ``spoils`` is True where it destroys results that the device had finished, so that a repeated
    measurement is correct.

    ``own_process`` where the campaign must be one that can be killed; ``small_disk`` where the device has one;
    ``root`` where only root can do it.
    """

    name: str
    transports: tuple[str, ...]
    inject: Inject
    spoils: bool = False
    own_process: bool = False
    small_disk: bool = False
    root: bool = False


def _remote(scene: Scene) -> RemoteRig:
    assert isinstance(scene.rig, RemoteRig)
    return scene.rig


def nothing() -> None:
    """Do nothing: the fault is over, and nothing must be repaired."""


def _kill_us(scene: Scene) -> Heal:
    assert scene.running.process is not None
    scene.running.process.kill()
    return nothing


def _kill_runner(scene: Scene) -> Heal:
    """Kill all processes of the job's session, or one of them."""
    before = _unfinished(scene.rig)
    leader = _leader(scene.rig)
    below = process.descendants(leader) if leader else _batches(scene.rig)
    if leader and scene.random.random() < 0.5:
        process.kill([pid for pid in process.parents() if _session(pid) == leader])
        scene.excused += _lost(before)
    elif below:
        process.kill([scene.random.choice(below)])
    return nothing


def _leader(rig: Rig) -> int:
    """Return the process number of the leader of the job's session, 0 for none."""
    for job in rig.jobs():
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((job / "pid").read_text().split()[0])
    return 0


def _batches(rig: Rig) -> list[int]:
    """Return the processes that run a batch on a device without jobs."""
    return [pid for pid in rig.processes() if "batch.sh" in process.command_line(pid)]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _unfinished(rig: Rig) -> list[Path]:
    """Return the jobs whose end is not recorded."""
    return [job for job in rig.jobs() if not (job / "rc").exists()]


def _lost(jobs: list[Path]) -> int:
    """Return the number of jobs that did not record their end: their results are lost, even if they were complete."""
    return sum(not (job / "rc").exists() for job in jobs)


def _kill_server(scene: Scene) -> Heal:
    assert isinstance(scene.rig, SshRig | AdbRig)
    scene.rig.kill_server()
    time.sleep(scene.random.uniform(0, 1.0))
    scene.rig.start_server()
    return nothing


def _pull(scene: Scene) -> Heal:
    """Disconnect the device: for a moment, for longer than connections live, or until the campaign gives up."""
    rig = _remote(scene)
    rig.pull()
    seconds = scene.random.choice((0.1, 0.5, 1.5, 30.0))
    return _after(scene, seconds * scene.random.uniform(0.5, 1.0), rig.plug)


def _after(scene: Scene, seconds: float, heal: Heal) -> Heal:
    """Call ``heal`` after ``seconds``, or when the campaign has ended, whichever is first."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not scene.running.ended():
        time.sleep(0.01)
    heal()
    return nothing


def _power(scene: Scene) -> Heal:
    before = _unfinished(scene.rig)
    _remote(scene).power_cut()
    scene.excused += _lost(before)
    return nothing


def _full_device(scene: Scene) -> Heal:
    filler = scene.rig.base / "filler"

    def fill() -> None:
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    fill()
    end = time.monotonic() + scene.random.choice((0.5, 2.0, 30.0))
    while time.monotonic() < end and not scene.running.ended():
        fill()  # what is freed is taken
        time.sleep(0.02)
    filler.unlink(missing_ok=True)
    return nothing


def _slow(scene: Scene) -> Heal:
    rig = _remote(scene)
    rig.slow(scene.random.uniform(0.02, 0.25))
    return _after(scene, scene.random.uniform(1, 4), lambda: rig.slow(0))


def _lossy(scene: Scene) -> Heal:
    """Break the connection several times, each time after a random number of bytes."""
    for _ in range(scene.random.randint(1, 4)):
        if scene.running.ended():
            break
        _remote(scene).cut(scene.random.choice((1, 50, 500, 5_000, 40_000)) * scene.random.randint(1, 3))
        time.sleep(scene.random.uniform(0.1, 0.6))
    return nothing


def _cut_output(scene: Scene) -> Heal:
    assert isinstance(scene.rig, AdbRig)
    scene.rig.cut_output(scene.random.choice((0, 1, 20, 100, 300)))
    rig = scene.rig
    return _after(scene, scene.random.uniform(0.1, 1.5), lambda: rig.cut_output(None))


def _throttle(scene: Scene) -> Heal:
    """Set a bit of the firmware's throttling state; clear it when the campaign reports it."""
    bits = scene.rig.root / "bits"

    def recover() -> None:
        bits.write_text("0x50000")

    def told(text: str) -> None:
        if "thrown away" in text:
            recover()

    scene.running.told = told
    bits.write_text(f"{scene.random.choice((0x50004, 0x50001, 0x50002)):#x}")
    return _after(scene, campaign.LONGEST_S, recover)


def _clock(scene: Scene) -> Heal:
    """Set the device's clock to another time, and break the connection: the new connection reads the new time."""
    jump_s = scene.random.choice((-1, 1)) * scene.random.choice((3600, 10 * 86400, 20 * 365 * 86400))
    (scene.rig.root / "jump").write_text(f"{jump_s}\n")
    _remote(scene).cut(1)
    return nothing


def _output(scene: Scene) -> Heal:
    how = scene.random.choice(("half", "mixed", "control", "twice", "lacking", "nothing"))
    scene.rig.spoil_next(how)
    return lambda: scene.rig.here(scene.rig.spoil).unlink(missing_ok=True)


def _program(scene: Scene) -> Heal:
    """Replace the runtime's program by another one, or by a file that cannot run."""
    header = '{"kind": "header", "runtime": "other", "package": "other", "version": "9", "python": "0", "notes": "", '
    other = f'#!/bin/sh\necho \'{header}"threads": 1, "cores": [0], "scheduler": "normal"}}\'\n'
    garbage = b"\x7fELF" + scene.random.randbytes(200)
    scene.rig.replace_program(scene.random.choice((garbage, b"", other.encode(), b"#!/nowhere\n")))
    return _after(scene, scene.random.choice((0.3, 30.0)), scene.rig.restore_program)


def _second(scene: Scene) -> Heal:
    """Start a second campaign on the same device, under the same name or another, from this process or another."""
    while not scene.table.exists() and not scene.running.ended():
        time.sleep(0.01)  # who comes first holds it
    name = scene.random.choice((scene.rig.name, f"{scene.rig.name}-too"))
    other = scene.table.with_name("second.jsonl")
    outcome = campaign.start(scene.rig, other, own_process=scene.random.random() < 0.5, name=name).wait()
    if not outcome.error.startswith(LockedError.__name__) and not scene.running.ended():
        scene.wrong.append(f"a second campaign on the device was not refused: {outcome}")
    return nothing


KINDS = (
    Kind("kill -9 us", ALL, _kill_us, own_process=True),
    Kind("kill runner", ALL, _kill_runner),
    Kind("kill server", ("ssh", "adb"), _kill_server),
    Kind("cable", REMOTE, _pull),
    Kind("power cut", REMOTE, _power),
    Kind("full device", REMOTE, _full_device, spoils=True, small_disk=True, root=True),
    Kind("full host", ("ssh", "adb", "local"), lambda scene: nothing, own_process=True),
    Kind("slow link", REMOTE, _slow),
    Kind("lossy link", REMOTE, _lossy),
    Kind("cut output", ("adb",), _cut_output),
    Kind("throttled", REMOTE, _throttle, spoils=True),
    Kind("clock jump", REMOTE, _clock),
    Kind("bad output", ALL, _output, spoils=True),
    Kind("wrong program", ALL, _program),
    Kind("two at once", REMOTE, _second),
)


def furnish(kind: Kind, rig: Rig) -> None:
    """Install what a kind needs on the device before the campaign starts."""
    if kind.inject is _throttle:
        (rig.root / "bits").write_text("0x50000")
        bits = f"{rig.there}/bits"
        rig.give_program("vcgencmd", f'[ "$1" = get_throttled ] && echo "throttled=$(cat {bits})"; true')
    if kind.inject is _clock:
        (rig.root / "jump").write_text("0\n")
        jumped = f'[ "$1" = +%s ] && echo $(($(/usr/bin/date +%s)+$(cat {rig.there}/jump)))'
        rig.give_program("date", f'{jumped} || exec /usr/bin/date "$@"')


def moment(chance: random.Random) -> tuple[int, float]:
    """Return the moment of the fault: (number of batches that have begun, seconds after that)."""
    return chance.randint(0, PAIRS // BATCH), chance.uniform(0, 1.6 * MODEL_S * BATCH)
