"""``edgenas.verify_bundle``: the hashes of a bundle, then its measurement once more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.inventory import load_entry
from edgenas.api.shown import FilePath, html_table, number
from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener

if TYPE_CHECKING:
    from edgenas.bundle.repeat import RepeatedVerdict
    from edgenas.runs.bundle import ChangedFile


@dataclass(frozen=True, repr=False)
class VerifiedBundle:
    """Files that were changed, of which nothing is run; or each file as it was measured then and now."""

    bundle: Path
    device: str
    changed: tuple[ChangedFile, ...]
    files: tuple[RepeatedVerdict, ...]

    def check(self) -> None:
        """Raise OutcomeError where a file was changed, is outside its budget now, or disagrees with its record."""
        if self.changed:
            names = ", ".join(f"{each.file} ({each.how})" for each in self.changed)
            raise OutcomeError(
                f"{self.bundle} is not what its maker wrote: {names}; nothing of it was run; get it again"
            )
        outside = [r for r in self.files if r.now.within_budget is False]
        apart = [r for r in self.files if r.agree is False]
        if outside:
            raise OutcomeError(
                f"{outside[0].then.file} is not inside {outside[0].now.budget_ms:g} ms on {self.device}: upper end "
                f"{outside[0].now.high_ms:.4g} ms"
            )
        if apart:
            raise OutcomeError(
                f"{apart[0].then.file} took {apart[0].now.measured_ms:.4g} ms now and {apart[0].then.measured_ms:.4g} "
                f"ms then, further apart than both intervals explain: see whether something else runs on {self.device}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas verify BUNDLE --json`` prints."""
        return {"changed": {p.file: p.how for p in self.changed}, "files": [each.as_dict() for each in self.files]}

    def __repr__(self) -> str:
        if self.changed:
            return f"<Bundle {self.bundle}: {len(self.changed)} files changed, nothing was run>"
        words = {True: "agree", False: "DISAGREE", None: "another device"}
        told = [
            f"{r.then.file} {number(r.then.measured_ms)} ms then, {number(r.now.measured_ms)} ms now, {words[r.agree]}"
            for r in self.files
        ]
        return f"<Bundle {self.bundle} on {self.device}: {'; '.join(told)}>"

    def _repr_html_(self) -> str:
        rows = [
            {"file": r.then.file, "then ms": r.then.measured_ms, "now ms": r.now.measured_ms, "agree": r.agree}
            for r in self.files
        ]
        return html_table(repr(self)[1:-1], rows)


def verify_bundle(
    bundle: FilePath,
    *,
    device: str = "local",
    inventory: FilePath | None = None,
    rounds: int = 20,
    processes: int = 3,
    most_processes: int = 12,
    force: bool = False,
    listener: Listener = SILENT,
) -> VerifiedBundle:
    """Check the hashes of a bundle, then measure each file again as its record says, as ``edgenas verify BUNDLE`` does.

    ``check()`` of the result raises OutcomeError where a file was changed, where a file is outside its budget, or where
    then and now disagree. InputError where ``bundle`` is no bundle.
    """
    from edgenas.bundle.repeat import repeat
    from edgenas.runs.bundle import changed

    path, entry = Path(bundle), load_entry(inventory, device)
    problems = tuple(changed(path))
    if problems:
        return VerifiedBundle(path, device, problems, ())
    with listener.task(f"verify on {entry.name}") as task:
        found = repeat(
            path,
            entry,
            rounds=rounds,
            processes=processes,
            most=most_processes,
            force=force,
            listener=task,
        )
    return VerifiedBundle(path, device, (), tuple(found))
