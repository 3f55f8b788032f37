"""``edgenas doctor``: what is installed, what runs, and what to do about what does not."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import OutcomeError
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk

if TYPE_CHECKING:
    from edgenas.cli.doctor.packages import InstalledPackage
    from edgenas.cli.doctor.rows import DoctorRow


@click.command("doctor")
@inventory_option
@json_option
def command(inventory: Path | None, as_json: bool) -> None:
    """What is installed here, which runtimes run, whether ssh, adb and folders are as they should be, and what to type
    about what is not. It starts nothing and connects to no device: that is edgenas devices check.

    \b
    States:
      ok        as it should be
      mark      works; better otherwise
      missing   not there: what it would be for, and what to type
      broken    there, and does not work
    Exit code 1 where anything that measuring on this machine needs is missing or broken.

    \b
    Example:
      edgenas doctor
      edgenas doctor --json
    """
    os.nice(10)  # what is measured on this machine comes first
    talk("loading every package and measuring a block: a few seconds")
    found, rows = _look(inventory)
    hurt = [row for row in rows if row.needed and row.state in ("missing", "broken")]
    if as_json:
        print_json({"ok": not hurt, "rows": [asdict(row) for row in rows], "packages": [asdict(p) for p in found]})
    else:
        _print(rows, any(package.name == "rich" and package.state != "ok" for package in found))
        counts = {state: sum(row.state == state for row in rows) for state in ("ok", "mark", "missing", "broken")}
        print_summary({**counts, **({} if hurt else {"next": "edgenas devices check, or edgenas demo"})})
    if hurt:
        raise OutcomeError(f"nothing can be measured here: {', '.join(row.what for row in hurt)}; see what to type")


def _look(inventory: Path | None) -> tuple[list[InstalledPackage], list[DoctorRow]]:
    """What is looked at later stands on packages that were found good before."""
    try:
        from edgenas.cli.doctor import links, machine, packages, trial
    except ImportError as error:  # of what reads versions
        raise OutcomeError(f"{error}; type: pip install packaging") from error
    with ThreadPoolExecutor(len(trial.RUNTIMES)) as pool:
        trials = pool.map(trial.row, trial.RUNTIMES)
        found = packages.packages()
        tried = list(trials)
    loaded = {package.name for package in found if package.state == "ok"}
    rows = [*machine.python_rows(), *packages.own_rows(found), *(row for row, _ in tried)]
    if "pydantic" in loaded:
        rows += machine.condition_rows({name for _, schedulers in tried for name in schedulers})
    rows += [*machine.folder_rows(), *packages.extra_rows(found)]
    if "pydantic" in loaded:
        rows += links.inventory_rows(inventory)
    return found, [*rows, *links.ssh_rows(loaded), *links.adb_rows(loaded)]


def _print(rows: list[DoctorRow], plainly: bool) -> None:
    """``plainly`` where what draws tables is what is broken."""
    cells = [(row.what, row.state, row.told, row.remedy) for row in rows]
    if plainly:
        for cell in cells:
            click.echo("  ".join(cell).rstrip())
    else:
        print_table(("what", "state", "what is so", "what to type or do"), cells)
