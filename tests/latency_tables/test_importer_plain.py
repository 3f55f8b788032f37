"""Measurements of anybody's own, as CSV or JSON: every form gives the same table, and every damage names its place."""

from __future__ import annotations

import csv
import io
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable, PublishedValue
from edgenas.latency_tables.importers.plain import TEMPLATE, read, template
from edgenas.tables.published import import_table
from tests.support.published import PLAIN, TEXTS
from tests.support.strategies import block_specs

STEM, MIDDLE, HEAD = (
    BlockSpec.parse(text)
    for text in ("conv-224x3-o16-k3-s2-relu6", "ir-112x16-m96-o24-k3-s2-relu6", "head-7x1280-o1000")
)
VALUES = {STEM: PublishedValue(4.25, 0.125, 30), MIDDLE: PublishedValue(3.5), HEAD: PublishedValue(0.75, 0.5, 10)}
ROWS = list(csv.DictReader(io.StringIO(PLAIN)))
FIELD_ROWS = "kind;in_size;c_in;c_mid;c_out;kernel;stride;act;ms;n;sd\r\n" + "".join(
    f"{b.kind};{b.in_size};{b.c_in};{b.c_mid or ''};{b.c_out};{b.kernel};{b.stride};{b.act};{ms};{n};{sd}\r\n"
    for b, ms, n, sd in ((STEM, "4,25", 30, "0,125"), (MIDDLE, "3,5", "", ""), (HEAD, ".75e0", 10, "5e-1"))
)
FORMS = {
    "csv": PLAIN,
    "csv with a byte-order mark": "\ufeff" + PLAIN,
    "csv with empty lines and spaces": PLAIN.replace("\n", " \n\n").replace(",", " , "),
    "csv of fields, with semicolons and decimal commas": FIELD_ROWS,
    "csv with tabs": PLAIN.replace(",", "\t"),
    "csv of table show": PLAIN.replace("ms,n,sd", "mean_ms,count,sd_ms"),
    "json list": json.dumps([{k: v or None for k, v in row.items()} for row in ROWS]),
    "json object": json.dumps({str(STEM): {"ms": 4.25, "n": 30, "sd": 0.125}, str(MIDDLE): 3.5,
                               str(HEAD): {"ms": 0.75, "n": 10, "sd": 0.5}}),
}  # fmt: skip


def imported(folder: Path, text: str, name: str = "plain") -> ImportedTable:
    path = folder / "mine"
    path.write_bytes(text.encode())
    return import_table(path, name).table


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_table(tmp_path: Path, form: str) -> None:
    table = imported(tmp_path, FORMS[form])
    assert dict(table.values) == VALUES and table.source.left_out == ()
    assert (table.source.shapes, table.source.format) == ("file", "plain")
    assert imported(tmp_path, FORMS[form], "").source.format == "plain"


@pytest.mark.parametrize("name", TEXTS)
def test_a_format_that_is_not_named_is_the_one_that_the_file_looks_like(tmp_path: Path, name: str) -> None:
    assert imported(tmp_path, TEXTS[name], "").source.format == name


def test_rows_without_a_time_and_columns_that_are_not_read_are_listed(tmp_path: Path) -> None:
    text = PLAIN.replace("ms,n,sd", "ms,n,sd,who").replace("0.125", "0.125,me").replace("3.5,,", ",,,")
    table = imported(tmp_path, text.replace("10,0.5", "10,0.5,me"))
    assert table.source.left_out == (
        "1 blocks without a time, the first in line 3", "columns that are not read: who",
    )  # fmt: skip
    assert list(table.values) == [STEM, HEAD]


@given(st.lists(block_specs(), min_size=1, max_size=5, unique=True), st.data())
def test_a_template_that_is_filled_in_comes_back(some: list[BlockSpec], data: st.DataObject) -> None:
    some = [block for block in some if block.kind != "skip"]
    ms = data.draw(st.lists(st.floats(0, 1e6), min_size=len(some), max_size=len(some)))
    rows = [{**row, "ms": value} for row, value in zip(template(some), ms, strict=True)]
    text = io.StringIO()
    writer = csv.DictWriter(text, TEMPLATE)
    writer.writeheader()
    writer.writerows(rows)
    for form in (text.getvalue(), json.dumps(rows)) if some else ():
        found = read(form, {})
        assert [(e.block, e.value.mean_ms) for e in found.entries] == list(zip(some, ms, strict=True))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("4.25", "4.25 ms", "line 2: ms is '4.25 ms', not a finite number"),
        ("4.25", "nan", "line 2: ms is 'nan'"),
        ("4.25", "1e999", "line 2: ms is '1e999'"),
        ("4.25", "-1", "line 2: -1 ms is not a latency"),
        ("30", "2.5", "line 2: n is '2.5', not a whole number"),
        ("30", "0", r"line 2: n is 0, but a time comes from 1 \.\."),
        ("0.125", "-0.5", "line 2, sd: -0.5 ms is not a latency"),
        ("3.5,,", "3.5,", "line 3: 3 values for 4 columns"),
        ("ir-112x16-m96", "ir-112x16-m96-x", "line 3: 'ir-112x16-m96-x.* is not a block: 'x' is not a field"),
        ("head-7x1280-o1000", "", "line 4: it names no block"),
        ("head-7x1280-o1000", str(STEM), f"line 4: {STEM} is given twice, first in line 2"),
        ("head-7x1280-o1000", "skip-7x16", "line 4: skip-7x16 does nothing"),
        ("ms,n,sd", "us,n,sd", "no column ms .* its columns are block, us, n, sd"),
        ("ms,n,sd", "ms,mean_ms,sd", "both a column ms and a column mean_ms"),
        ("ms,n,sd", "ms,n,ms", "line 1: the column ms is given twice"),
        ("ms,n,sd", "ms,n,", "line 1: '' is not a name of a column"),
        ("block", "layer", "no column block, .* its columns are layer"),
        (PLAIN, "block,ms\n", "it holds no rows"),
        (PLAIN, f"block,ms\n{STEM},\n", "no row has a time: fill in the column ms"),
        (PLAIN, f"block,macs,ms\n{STEM},7,1\n", "line 2: macs is 7, but .* has 5419008"),
        (PLAIN, f"block,stride,ms\n{STEM},1,1\n", "line 2: stride is 1, but .* has 2"),
        (PLAIN, f"block,residual,ms\n{STEM},maybe,1\n", "line 2: residual is 'maybe', not true or false"),
        (PLAIN, f'block,ms\n"{STEM},1\n', "line 2: not CSV"),
        (PLAIN, json.dumps([{"block": str(STEM), "ms": 1}, 3]), "entry 2 is not an object"),
        (PLAIN, json.dumps([{"block": str(STEM), "ms": [1]}]), "entry 1: ms is a list, not a text or a number"),
        (PLAIN, f'{{"{STEM}": NaN}}', "not JSON: NaN"),
        (PLAIN, f'{{"{STEM}": 1, "{STEM}": 2}}', "not JSON: a key is given twice"),
    ],
)  # fmt: skip
def test_damage_names_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        imported(tmp_path, PLAIN.replace(old, new, 1))


def test_a_pickle_is_named_and_never_opened(tmp_path: Path) -> None:
    """The lines that are printed turn it into CSV, which is imported."""
    mark = tmp_path / "opened"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(mark),)

    path = tmp_path / "mine.pkl"
    path.write_bytes(pickle.dumps(Bomb()))
    for name in ("", "plain", "ofa"):
        with pytest.raises(InputError, match="a Python pickle, which could run any code"):
            import_table(path, name)
    assert not mark.exists()
    path.write_bytes(pickle.dumps({str(STEM): 4.25}))
    with pytest.raises(InputError) as caught:
        import_table(path, "")
    _, *lines = str(caught.value).splitlines()
    assert len(lines) == 3
    exec("\n".join(line.strip() for line in lines), {})
    assert dict(import_table(tmp_path / "mine.pkl.csv", "").table.values) == {STEM: PublishedValue(4.25)}


def test_a_file_of_no_format_lists_the_formats(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"of no format that edgenas imports; the formats are proxylessnas .* plain"):
        imported(tmp_path, "nothing", "")
    with pytest.raises(InputError, match="it looks like a CSV file; the formats are"):
        imported(tmp_path, "a,b\n1,2\n", "")
