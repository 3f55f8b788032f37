"""Rows of the doctor on the delegates of this machine."""

from __future__ import annotations

from pathlib import Path

from edgenas.cli.doctor.rows import DoctorRow


def delegate_rows(inventory: Path | None) -> list[DoctorRow]:
    """Return a row for each delegate that the runtimes of this machine may have, and what to type to measure on it."""
    from edgenas.api.device_rows import delegate_rows as rows_of
    from edgenas.api.inventory import load_entries

    entry = load_entries(inventory)["local"]
    rows = rows_of(entry, entry.open())
    return [DoctorRow(row.what, "ok" if row.state == "ok" else "mark", row.reason, row.remedy) for row in rows]
