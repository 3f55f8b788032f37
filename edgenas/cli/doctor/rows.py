"""What the doctor says: one row for each thing looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "mark", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """``needed``: nothing is measured on this machine while it is missing or broken."""

    what: str
    state: State
    told: str
    remedy: str = ""
    needed: bool = False
