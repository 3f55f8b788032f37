"""``edgenas.adapt_try``: a menu on its device, under a real load."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.inventory import load_entry
from edgenas.api.shown import FilePath, frame, number
from edgenas.base.amounts import check_budget
from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.base.listener import SILENT, Listener

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.adaptive.trial import AdaptiveTrial
    from edgenas.report.pictures import Svg
    from edgenas.runs.menu import SavedMenu


@dataclass(frozen=True, repr=False, eq=False)
class TriedMenu:
    """A trial of the menu ``saved``."""

    saved: SavedMenu
    trial: AdaptiveTrial

    @property
    def accuracy(self) -> float:
        """Mean accuracy of the frames' networks, in percent."""
        of = {network.name: network.accuracy for network in self.saved.networks}
        return sum(of[each.network] for each in self.trial.frames) / len(self.trial.frames)

    @property
    def switches(self) -> int:
        """Number of frames whose network is another one than that of the frame before."""
        names = [each.network for each in self.trial.frames]
        return sum(one != other for one, other in pairwise(names))

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas adapt try --json`` prints."""
        trial = self.trial
        late = {"all": trial.late(), "loaded": trial.late(True), "unloaded": trial.late(False)}
        return {
            "device": trial.device,
            "runtime": trial.runtime,
            "load": trial.load,
            "load_priority": trial.load_priority,
            "seconds": trial.seconds,
            "budget_ms": trial.budget_ms,
            "frames": len(trial.frames),
            "late": {name: None if share != share else share for name, share in late.items()},
            "accuracy": self.accuracy,
            "switches": self.switches,
            "back_after_s": trial.back_after_s,
            "events": [{"frame": at, "network": name, "text": text} for at, name, text in trial.events],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each frame."""
        rows = ({"t": f.t, "network": f.network, "ms": f.ms, "loaded": f.loaded} for f in self.trial.frames)
        return frame(rows)

    def save(self, path: FilePath) -> None:
        """Write the frames and events; ``edgenas adapt replay`` reads the file."""
        from edgenas.adaptive.trial import trial_text

        write_whole(Path(path), trial_text(self.trial))

    def plot(self) -> Svg:
        """Return an SVG figure: time and network of each frame."""
        from edgenas.report.timeline import trial_figure

        return trial_figure(self.trial, {n.name: n.ms for n in self.saved.networks})

    def __repr__(self) -> str:
        trial = self.trial
        return (
            f"<Trial on {trial.device}, {trial.load}: {len(trial.frames)} frames, {trial.late():.1f} % over "
            f"{number(trial.budget_ms)} ms, {self.accuracy:.2f} %, {self.switches} switches>"
        )


def adapt_try(
    menu: FilePath,
    *,
    device: str = "local",
    inventory: FilePath | None = None,
    load: str = "cpu:50",
    seconds: float = 60.0,
    budget_ms: float | None = None,
    listener: Listener = SILENT,
) -> TriedMenu:
    """Run the menu in the folder ``menu`` on a device, as ``edgenas adapt try`` does.

    load       'cpu:PERCENT': in the middle third of the time, a process for each CPU of the device is busy for this
               share, of higher priority where the device allows it; 'none': no load
    seconds    from 3 to 3600
    budget_ms  budget in ms (default: that of the menu)

    InputError for a folder that is no menu or was changed, or a device without Python; OutcomeError where the program
    fails on the device.

        edgenas.adapt_try("adaptive", device="pi4", load="cpu:50").plot()
    """
    from edgenas.adaptive.trial import run_trial
    from edgenas.runs.bundle import changed
    from edgenas.runs.menu import read_menu

    folder = Path(menu)
    saved, entry = read_menu(folder), load_entry(inventory, device)
    if budget_ms is not None:
        check_budget(budget_ms, "ms", "budget_ms")
    if problems := changed(folder):
        names = ", ".join(f"{each.file} ({each.how})" for each in problems)
        raise InputError(f"{folder} was changed after it was written: {names}; make it again: edgenas adapt")
    with listener.task("try") as task:
        trial = run_trial(folder, saved, entry, load=load, seconds=seconds, budget_ms=budget_ms, listener=task)
    return TriedMenu(saved, trial)
