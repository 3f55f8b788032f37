"""``edgenas verify BUNDLE``: the hashes, then the measurement once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import OutcomeError
from edgenas.cli.terminal import mib, print_json, print_table, progress, talk
from edgenas.cli.verify_summary import sum_up_bundle, tell_disturbed

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry

CHANGED = 3  #: exit code where a file is not what the manifest says


def refuse_changed(bundle: Path, as_json: bool) -> None:
    """Exit code 3 where a file was changed, and says which."""
    from edgenas.runs.bundle import changed

    problems = changed(bundle)
    if problems:
        if as_json:
            print_json({"changed": {p.file: p.how for p in problems}, "files": []})
        for problem in problems:
            talk(f"{bundle / problem.file}: {problem.how}")
        talk("edgenas: the bundle is not what its maker wrote, and nothing of it was run; get it again")
        raise click.exceptions.Exit(CHANGED)


def repeat_bundle(
    bundle: Path, entry: Entry, rounds: int, processes: int, most: int, force: bool, as_json: bool
) -> None:
    """Exit code 3 where a file was changed, and nothing is measured then; OutcomeError where the measurements disagree
    or a file is outside its budget now."""
    from edgenas.bundle.repeat import repeat

    refuse_changed(bundle, as_json)
    with progress(f"verify on {entry.name}") as update:
        found = repeat(
            bundle,
            entry,
            rounds=rounds,
            processes=processes,
            most=most,
            force=force,
            say=talk,
            progress=lambda done, total: update(done, total, ""),
        )
    if as_json:
        print_json({"changed": {}, "files": [each.as_dict() for each in found]})
    else:
        print_table(
            (
                "file",
                "runtime",
                "of",
                "then, ms",
                "95 % interval",
                "now, ms",
                "95 % interval",
                "then, MiB",
                "now, MiB",
                "budget",
                "",
            ),
            [
                (
                    r.then.file,
                    r.then.runtime,
                    r.then.statistic,
                    r.then.measured_ms,
                    f"{r.then.low_ms:.4g} .. {r.then.high_ms:.4g}",
                    r.now.measured_ms,
                    f"{r.now.low_ms:.4g} .. {r.now.high_ms:.4g}",
                    mib(r.then.peak_kib),
                    mib(r.now.peak_kib),
                    r.then.budget_ms,
                    {True: "agree", False: "DISAGREE", None: "another device"}[r.agree],
                )
                for r in found
            ],
        )
        tell_disturbed([each.now for each in found])
    for each in found:
        if each.differences:
            talk(f"{each.then.file} was measured on another device, and need not agree: {'; '.join(each.differences)}")
    outside = [r for r in found if r.now.within_budget is False]
    apart = [r for r in found if r.agree is False]
    if outside:
        raise OutcomeError(
            f"{outside[0].then.file} is not inside {outside[0].now.budget_ms:g} ms on {entry.name}: upper end "
            f"{outside[0].now.high_ms:.4g} ms"
        )
    if apart:
        raise OutcomeError(
            f"{apart[0].then.file} took {apart[0].now.measured_ms:.4g} ms now and {apart[0].then.measured_ms:.4g} ms "
            f"then, further apart than both intervals explain: see whether something else runs on {entry.name}"
        )
    if not as_json:
        sum_up_bundle(bundle, found)
