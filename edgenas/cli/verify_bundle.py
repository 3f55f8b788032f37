"""``edgenas verify BUNDLE``: check of the hashes, then each measurement once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.cli.terminal import Cell, mib, print_json, print_table, talk
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.verify_summary import sum_up_bundle, tell_disturbed

if TYPE_CHECKING:
    from edgenas.api.verify_bundle import VerifiedBundle
    from edgenas.bundle.repeat import RepeatedVerdict

CHANGED = 3  #: exit code where a file is not the one of the manifest


def repeat_bundle(
    bundle: Path,
    device: str,
    inventory: Path | None,
    rounds: int,
    processes: int,
    most: int,
    force: bool,
    as_json: bool,
) -> None:
    """Check the hashes of a bundle, measure its files again, and print both measurements.

    Exit code 3 where a file was changed, and nothing is measured then; OutcomeError where the measurements disagree or
    a file is outside its budget now.
    """
    from edgenas.api.verify_bundle import verify_bundle

    done = verify_bundle(
        bundle,
        device=device,
        inventory=inventory,
        rounds=rounds,
        processes=processes,
        most_processes=most,
        force=force,
        listener=TERMINAL,
    )
    refuse_changed(done, as_json)
    found = done.files
    if as_json:
        print_json(done.to_json())
    else:
        print_table(
            (
                "file",
                "runtime",
                "of",
                "recorded, ms",
                "95 % interval",
                "repeated, ms",
                "95 % interval",
                "recorded, MiB",
                "repeated, MiB",
                "budget",
                "",
            ),
            [_row(each) for each in found],
        )
        tell_disturbed([each.repeated for each in found])
    for each in found:
        if each.differences:
            why = "; ".join(each.differences)
            talk(f"{each.repeated.file} was measured on another device, and need not agree: {why}")
    done.check()
    if not as_json:
        sum_up_bundle(bundle, found)


def _row(each: RepeatedVerdict) -> tuple[Cell, ...]:
    """Return the row of a file; its record is empty where the bundle has none."""
    old, new = each.recorded, each.repeated
    verdict = {True: "agree", False: "DISAGREE", None: "another device"}[each.agree]
    if old is None:
        verdict = {True: "inside", False: "OUTSIDE", None: "not recorded"}[new.within_budget]
    return (
        new.file,
        new.runtime,
        new.statistic,
        None if old is None else old.measured_ms,
        None if old is None else f"{old.low_ms:.4g} .. {old.high_ms:.4g}",
        new.measured_ms,
        f"{new.low_ms:.4g} .. {new.high_ms:.4g}",
        None if old is None else mib(old.peak_kib),
        mib(new.peak_kib),
        new.budget_ms,
        verdict,
    )


def refuse_changed(done: VerifiedBundle, as_json: bool) -> None:
    """Exit with code 3 where a file was changed, after a message that names each of them."""
    if done.changed:
        if as_json:
            print_json(done.to_json())
        talk(f"edgenas: {done.changed_text}")
        raise click.exceptions.Exit(CHANGED)
