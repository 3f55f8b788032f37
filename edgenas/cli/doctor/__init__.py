"""``edgenas doctor``: check of packages, runtimes, links to devices and folders, with remedies."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import OutcomeError
from edgenas.base.reading import check_exists
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk

if TYPE_CHECKING:
    from edgenas.cli.doctor.packages import InstalledPackage
    from edgenas.cli.doctor.rows import DoctorRow


@click.command("doctor")
@inventory_option
@click.option(
    "--load", "load_all", is_flag=True, help="Load large packages (torch, ...) too, instead of their files only."
)
@click.option("--delegates", is_flag=True, help="Also probe the GPUs, NPUs and other delegates of this machine.")
@json_option
def command(inventory: Path | None, load_all: bool, delegates: bool, as_json: bool) -> None:
    """Check packages, runtimes, ssh, adb and folders of this machine, and print a remedy for each problem. It starts no
    server and connects to no device; use edgenas devices check for devices.

    \b
    States:
      ok        no problem
      mark      works, but could be better
      missing   not installed: its purpose, and the command that installs it
      broken    installed, but does not work

    Exit code 1 if anything that measuring on this machine needs is missing or broken; 2 if the file of --inventory
    does not exist.

    \b
    Example:
      edgenas doctor
      edgenas doctor --json
      edgenas doctor --delegates
    """
    if inventory is not None:
        check_exists(inventory, "inventory")
    os.nice(10)  # lower priority than measurements on this machine
    talk("loading packages and measuring a block: a few seconds")
    found, rows = _look(inventory, load_all)
    if delegates:
        from edgenas.cli.doctor.delegates import delegate_rows

        rows += delegate_rows(inventory)
    failed = [row for row in rows if row.needed and row.state in ("missing", "broken")]
    if as_json:
        print_json({"ok": not failed, "rows": [asdict(row) for row in rows], "packages": [asdict(p) for p in found]})
    else:
        print_table(("check", "state", "finding", "remedy"), [(r.what, r.state, r.finding, r.remedy) for r in rows])
        counts = {state: sum(row.state == state for row in rows) for state in ("ok", "mark", "missing", "broken")}
        then = {} if failed else {"next": "edgenas devices check, or edgenas demo"}
        lacking = f"nothing can be measured here: {', '.join(row.what for row in failed)}"
        print_summary({**counts, **then}, lacking if failed else "this machine has everything that measuring needs")
    if failed:
        names = ", ".join(row.what for row in failed)
        raise OutcomeError(f"nothing can be measured on this machine: {names}; follow the remedies, then check again")


def _look(inventory: Path | None, load_all: bool) -> tuple[list[InstalledPackage], list[DoctorRow]]:
    """Return packages and rows. Packages come first, since later checks import those that can be loaded."""
    try:
        from edgenas.cli.doctor import links, machine, packages, trial
    except ImportError as error:  # packaging, which reads versions, is missing
        raise OutcomeError(f"{error}; type: pip install packaging") from error
    with ThreadPoolExecutor(len(trial.RUNTIMES)) as pool:
        trials = pool.map(trial.row, trial.RUNTIMES)
        found = packages.packages(load_all)
        tried = list(trials)
    loaded = {package.name for package in found if package.state == "ok"}
    rows = [*machine.python_rows(), *packages.own_rows(found), *(row for row, _ in tried)]
    if "pydantic" in loaded:
        rows += machine.condition_rows({name for _, schedulers in tried for name in schedulers})
    rows += [*machine.folder_rows(), *packages.extra_rows(found)]
    if "pydantic" in loaded:
        rows += links.inventory_rows(inventory)
    return found, [*rows, *links.ssh_rows(loaded), *links.adb_rows(loaded)]
