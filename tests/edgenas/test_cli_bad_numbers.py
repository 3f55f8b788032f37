"""Numbers and files that no verb can use are refused before anything is measured, trained or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.base.plugins import load
from edgenas.training.pictures import numbers


@pytest.mark.parametrize("budget", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_budget_is_a_positive_number_for_every_verb(budget: float, tmp_path: Path) -> None:
    import edgenas

    model = tmp_path / "m.tflite"
    model.write_bytes(b"x")
    folder = tmp_path / "new"
    for verb in (
        lambda: edgenas.verify(model, budget_ms=budget),
        lambda: edgenas.sustain(model, time="1m", budget_ms=budget),
        lambda: edgenas.watch(tmp_path, budget_ms=budget, port=0),
        lambda: edgenas.bundle(tmp_path, folder, budget_ms=budget),
        lambda: edgenas.ship("digits", images=tmp_path, out=folder, budget_ms=budget),
    ):
        with pytest.raises(InputError, match="is not a number of ms above 0"):
            verb()
    assert not folder.exists()


def test_ship_reads_the_table_before_the_pictures(tmp_path: Path) -> None:
    import edgenas

    table = tmp_path / "t.jsonl"
    table.write_text("no table\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"t\.jsonl, line 1: damaged record"):
        edgenas.ship("digits", images=tmp_path / "absent", out=tmp_path / "new", budget_ms=1.0, table=table)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("text", ["nan", "1,inf,2", "1e999"])
def test_a_scaling_is_finite(text: str) -> None:
    with pytest.raises(InputError, match=r"--mean .* is not numbers"):
        numbers(text, "--mean")


def test_links_that_form_a_circle_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "own.py").symlink_to("own.py")
    with pytest.raises(InputError, match="no such file"):
        load(f"{tmp_path}/own.py:tiny", "space")
