"""``edgenas.adapt_replay``: the policy of a menu and others, on a trace of frame times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.shown import FilePath, frame, html_table
from edgenas.base.amounts import check_budget
from edgenas.base.errors import InputError
from edgenas.base.naming import there_are

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.adaptive.replay import Replay
    from edgenas.report.pictures import Svg


@dataclass(frozen=True, repr=False, eq=False)
class ReplayedTrace:
    """Replays of each policy on the frames of one ``trace``; the last is the oracle, which knows each slowdown."""

    trace: str
    budget_ms: float
    names: tuple[str, ...]
    replays: tuple[Replay, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas adapt replay --json`` prints."""
        frames = len(self.replays[0].ms)
        rows = [each.as_dict() for each in self.replays]
        return {"trace": self.trace, "frames": frames, "budget_ms": self.budget_ms, "policies": rows}

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each policy."""
        return frame(self.to_json()["policies"])

    def plot(self) -> Svg:
        """Return an SVG figure: time and network of each frame, by the menu's policy."""
        from edgenas.report.timeline import replay_figure

        return replay_figure(self.trace, self.replays, self.budget_ms)

    def __repr__(self) -> str:
        own = self.replays[0]
        return f"<Replay of {self.trace}: {own.late:.1f} % late, {own.accuracy:.2f} %, {own.switches} switches>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.to_json()["policies"])


def adapt_replay(
    menu: FilePath, trace: FilePath, *, budget_ms: float | None = None, frames: int = 12_000, seed: int = 0
) -> ReplayedTrace:
    """Replay a trace with the menu in the folder ``menu``, as ``edgenas adapt replay`` does.

    trace       file of JSON lines, one for each frame: {"network": "net-3", "ms": 14.2} or {"slowdown": 1.3}; or the
                name of a drawn trace: 'step', 'stairs', 'bursts', 'step-and-bursts'
    budget_ms   budget in ms (default: that of the menu)
    frames, seed   of a drawn trace

    InputError for a folder that is no menu, or a line that is no frame.

        edgenas.adapt_replay("adaptive", "trial.jsonl").to_frame()
    """
    from edgenas.adaptive.replay import ReplayedDevice
    from edgenas.adaptive.traces import DRAWN, drawn, recorded
    from edgenas.runs.menu import read_menu

    saved = read_menu(Path(menu))
    budget = saved.budget_ms if budget_ms is None else check_budget(budget_ms, "ms", "budget_ms")
    networks = saved.networks
    device = ReplayedDevice([n.ms for n in networks], [n.accuracy for n in networks], budget)
    if str(trace) in DRAWN:
        if frames < 1:
            raise InputError(f"frames={frames} must be 1 or more")
        found = device.compare(saved.policy, *drawn(str(trace), seed, frames), seed)
    elif not Path(trace).exists():
        raise InputError(f"there is no trace {trace}; name a file, or a drawn one: {there_are(str(trace), DRAWN)}")
    else:
        found = device.compare(saved.policy, recorded(Path(trace), {n.name: n.ms for n in networks}))
    return ReplayedTrace(str(trace), budget, tuple(n.name for n in networks), tuple(found))
