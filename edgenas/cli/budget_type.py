"""The type of every option that is a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edgenas.base.amounts import check_budget

if TYPE_CHECKING:
    _Type = click.ParamType[float]
else:
    _Type = click.ParamType  # not generic before click 8.4


class Budget(_Type):
    """A budget in ``unit``: a finite number above 0; InputError for any other text."""

    name = "float"

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return check_budget(value, self.unit, "budget" if param is None else param.opts[0])


BUDGET_MS = Budget("ms")
