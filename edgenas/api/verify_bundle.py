"""``edgenas.verify_bundle``: check the hashes of a bundle, then repeat its measurement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.inventory import load_entry
from edgenas.api.shown import FilePath, html_table, number
from edgenas.base.counted import counted
from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener

if TYPE_CHECKING:
    from edgenas.bundle.repeat import RepeatedVerdict
    from edgenas.runs.bundle import ChangedFile


@dataclass(frozen=True, repr=False)
class VerifiedBundle:
    """Result of verifying a bundle: its changed files, or each file's recorded latency and its latency now.

    changed   files that differ from MANIFEST; where there are any, no file is run
    files     each file's verdict in the record, and its verdict now
    """

    bundle: Path
    device: str
    changed: tuple[ChangedFile, ...]
    files: tuple[RepeatedVerdict, ...]

    @property
    def changed_text(self) -> str:
        """Message about the changed files, with the next step."""
        names = ", ".join(f"{each.file} ({each.how})" for each in self.changed)
        return f"{self.bundle} was changed after it was written: {names}; no file was run; get the bundle again"

    def check(self) -> None:
        """Raise OutcomeError where a file was changed, is outside its budget now, or disagrees with its record."""
        if self.changed:
            raise OutcomeError(self.changed_text)
        outside = [r.repeated for r in self.files if r.repeated.within_budget is False]
        different = [r for r in self.files if r.agree is False]
        if outside:
            raise OutcomeError(
                f"{outside[0].file} is not inside {outside[0].budget_ms:g} ms on {self.device}: upper end "
                f"{outside[0].high_ms:.4g} ms"
            )
        if different and different[0].recorded is not None:
            raise OutcomeError(
                f"{different[0].recorded.file} took {different[0].repeated.measured_ms:.4g} ms now, but "
                f"{different[0].recorded.measured_ms:.4g} ms in the record: a larger difference than both intervals "
                f"explain; close other programs on {self.device} and verify again"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas verify BUNDLE --json`` prints."""
        return {"changed": {p.file: p.how for p in self.changed}, "files": [each.as_dict() for each in self.files]}

    def __repr__(self) -> str:
        if self.changed:
            return f"<Bundle {self.bundle}: {counted(len(self.changed), 'file')} changed, nothing was run>"
        words = {True: "agree", False: "DISAGREE", None: "another device"}
        parts = [
            f"{r.repeated.file} {number(r.repeated.measured_ms)} ms now, none recorded"
            if r.recorded is None
            else f"{r.recorded.file} {number(r.recorded.measured_ms)} ms recorded, "
            f"{number(r.repeated.measured_ms)} ms now, {words[r.agree]}"
            for r in self.files
        ]
        return f"<Bundle {self.bundle} on {self.device}: {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        rows = [
            {
                "file": r.repeated.file,
                "recorded ms": None if r.recorded is None else r.recorded.measured_ms,
                "repeated ms": r.repeated.measured_ms,
                "agree": r.agree,
            }
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
    """Check the hashes of a bundle, then time each file again in its setting, as ``edgenas verify BUNDLE`` does.

    rounds       rounds in each process
    processes    fresh processes; up to ``most_processes`` while a file is outside its budget
    force        measure a device even if it is busy, warm or not ready

    ``check()`` of the result raises OutcomeError where a file was changed, where a file is outside its budget, or where
    the new latency disagrees with the record. InputError where ``bundle`` is not a bundle; OutcomeError or DeviceError
    where a file cannot be measured.

        edgenas.verify_bundle("bundle", device="pi4").check()
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
