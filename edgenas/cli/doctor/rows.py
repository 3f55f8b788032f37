"""Rows of the doctor: one for each check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "mark", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """Result of one check.

    what     name of the checked thing
    finding  result of the check, as text
    remedy   command or action that solves the problem, or ''
    needed   nothing can be measured on this machine while it is missing or broken
    """

    what: str
    state: State
    finding: str
    remedy: str = ""
    needed: bool = False
