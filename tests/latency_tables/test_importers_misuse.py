"""Files that are not what they are said to be: one InputError that says where, and nothing else."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import PublishedValue
from edgenas.latency_tables.importers import FORMATS
from edgenas.latency_tables.importers.positions import by_position
from edgenas.latency_tables.importers.reading import PublishedEntry, merged
from edgenas.search.spaces import space
from edgenas.tables.published import import_table, places
from tests.support.published import FBNET_JSON, OFA, PROXYLESSNAS, TEXTS, fbnet_csv, single_path, tunas

#: what is put into a text: signs of each format, numbers that are none, bytes that are no text
PIECES = ("{", "}", "[", "]", ":", "-", ",", '"', "\n", "  ", "&a ", "*a", "!!float ", "nan", "inf", "-1", "1e999",
          "0x1f", "9" * 400, "x" * 50, "\x00", "\ud800", "ü", "null", "true", "skip", "mean", "0", ".")  # fmt: skip
changes = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(("", *PIECES))), min_size=1, max_size=4
)


@pytest.mark.slow
@given(name=st.sampled_from((*TEXTS, "fbnet by shape")), edits=changes)
@settings(max_examples=250)
def test_whatever_happens_to_a_file_only_an_input_error_comes_out(
    tmp_path_factory: pytest.TempPathFactory, name: str, edits: list[tuple[float, int, str]]
) -> None:
    by_shape = name == "fbnet by shape"
    text = FBNET_JSON if by_shape else TEXTS[name]
    for place, length, piece in edits:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + length :]
    path = tmp_path_factory.getbasetemp() / "published"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        table = import_table(path, "fbnet" if by_shape else name, column="raspi4" if by_shape else "").table
    except InputError as error:
        assert str(path) in str(error) and len(str(error)) < 2000
    else:
        assert table.blocks and all(math.isfinite(v.mean_ms) and v.mean_ms >= 0 for v in table.values.values())


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("proxylessnas", PROXYLESSNAS.replace("112x112x32", "113x113x32", 1), "line 1, .*the output is not 112x112x32"),
        ("proxylessnas", PROXYLESSNAS.replace("idskip:0", "idskip:2"), "line 5, .*idskip is 2, not 0 or 1"),
        ("proxylessnas", PROXYLESSNAS.replace("idskip:0", "idskip:1"), "line 5, .*a residual needs"),
        ("proxylessnas", PROXYLESSNAS.replace("kernel:3", "kernel:4"), "line 5, .*kernel 4 is even"),
        ("proxylessnas", PROXYLESSNAS.replace("-kernel:3", ""), "line 5, .*after expanded_conv come input, output"),
        ("proxylessnas", PROXYLESSNAS.replace("output:14x14x80", "output:14x15x80"), "line 6, .*not 14x14x80, which"),
        ("proxylessnas", PROXYLESSNAS.replace("14x14x80", "14x14"), "line 6, .*the input is not HxWxC"),
        ("proxylessnas", PROXYLESSNAS.replace("mean: 4.5", "mean: -4.5"), "line 1, .*-4.5 ms is not a latency"),
        ("proxylessnas", PROXYLESSNAS.replace("mean: 4.5", "mean: .nan"), "line 1, .*mean is '.nan', not a number"),
        ("proxylessnas", PROXYLESSNAS.replace("mean: 4.5", "median: 4.5"), "line 1, .*the entry has no mean"),
        ("proxylessnas", PROXYLESSNAS.replace("count: 949", "count: 9.5"), "line 1, .*count is a number, not a whole"),
        ("proxylessnas", PROXYLESSNAS.replace("var: 0.16", "unit: 1"), "line 1, .*unknown field 'unit'"),
        ("proxylessnas", PROXYLESSNAS.replace("var: 0.16", "var: -1"), "line 1, .*var is -1, below 0"),
        ("proxylessnas", PROXYLESSNAS + PROXYLESSNAS, "line 9: Conv-input.* is given twice"),
        ("proxylessnas", OFA, "line 2, .*after expanded_conv come"),
        ("proxylessnas", "- 1\n", "line 1: a table is a mapping of entries that .* but here is a YAML SequenceStart"),
        ("proxylessnas", "a: 1\n", "line 1: a table is a mapping .* but here is a YAML Scalar"),
        ("proxylessnas", "{", "not YAML"),
        ("proxylessnas", "[" * 100_000, "line 1: .* here is a YAML SequenceStart"),
        ("proxylessnas", "{a: " * 100_000, "line 1: .* here is a YAML MappingStart"),
        ("proxylessnas", "a: &x {mean: 1}\nb: *x\n", "line 2: .* here is a YAML Alias"),
        ("proxylessnas", "", "line 1: .* here is a YAML StreamEnd"),
        ("proxylessnas", PROXYLESSNAS + "---\n", "line 9: .* here is a YAML DocumentStart"),
        ("ofa", OFA.replace("se:1", "se:2"), "line 3, .*se and hs are 0 or 1"),
        ("ofa", OFA.replace("Logits-input:1x1x1280", "Logits-input:7x7x1280"), "line 7, .*comes after pooling"),
        ("single-path", json.dumps({**single_path(), "22": {}}), "unknown field '22'"),
        ("single-path", json.dumps({**single_path(), "3": {"0": 1}}), "layer 3 has no 1"),
        ("single-path", json.dumps({**single_path(), "3": []}), "layer 3 is a list"),
        ("single-path", json.dumps({**single_path(), "0": dict.fromkeys("0123", 40)}), "what belongs to no layer: -"),
        ("tunas", json.dumps({**tunas(), "coefficients_ms": [1.0] * 143}), "143 values, not 144"),
        ("tunas", json.dumps({**tunas(), "bias_ms": None}), "bias_ms is null"),
        ("tunas", json.dumps({**tunas(), "bias_ms": 1.0}), "what belongs to no layer: -.* is not a latency"),
        ("tunas", "[1]", "not a JSON object"),
        ("fbnet", "device,layer,op\n", "line 1: .*its first line is not device,layer,op,ms_minus_skip"),
        ("fbnet", fbnet_csv().replace("pi,3,skip,0\n", ""), "layer 3 has no skip"),
        ("fbnet", fbnet_csv().replace("pi,-1", "pi,-2"), "lacks the row of layer -1"),
        ("fbnet", fbnet_csv() + "pi,22,skip,0\n", "more than 22 layers"),
        ("fbnet", fbnet_csv() + "pi,3,skip,0\n", "skip of layer 3 is given twice"),
        ("fbnet", fbnet_csv() + "pi,3,odd,inf\n", "inf is not a finite number"),
        ("fbnet", fbnet_csv().replace("pi,3,k3_e1,0.5", "pi,3,k3_e1,-0.5"), "k3_e1 costs 0.5 ms less than leaving"),
        ("fbnet", fbnet_csv() + "fpga,3,skip,0\n", "devices pi, fpga; name one: --device-column pi"),
        ("fbnet", FBNET_JSON, "devices raspi4; name one"),
    ],
)  # fmt: skip
def test_what_is_said(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = tmp_path / "published"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        import_table(path, name)
    assert str(caught.value).startswith(f"{path} as {name}: ")


PRETTY = {"fbnet by shape": FBNET_JSON, **TEXTS, "tunas, indented": json.dumps(tunas(), indent=2)}


@pytest.mark.parametrize("given", PRETTY)
def test_a_table_of_another_format_is_named_with_what_to_type(tmp_path: Path, given: str) -> None:
    path = tmp_path / "published"
    path.write_text(PRETTY[given])
    right = given.partition(" by ")[0].partition(",")[0]
    for name in FORMATS:
        if name == right:
            continue
        with pytest.raises(InputError) as caught:
            import_table(path, name)
        assert str(caught.value).endswith(f"; it looks like the format {right}: type --format {right}")


def test_a_damaged_table_of_the_right_format_is_not_sent_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "published"
    for name, text in TEXTS.items():
        path.write_text(text[: len(text) * 2 // 3] + "\0")
        with pytest.raises(InputError) as caught:
            import_table(path, name)
        assert "looks like" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (pickle.dumps({"a": 1.0}), "a Python pickle, which could run any code"),
        (pickle.dumps({"a": 1.0}, protocol=0), "a Python pickle"),
        (
            b"layer,seconds\nconv,1.5\n",
            "a CSV file; the formats are proxylessnas (YAML), ofa (YAML), single-path (JSON)",
        ),
        (b'{"format":"edgenas latency table","version":2}\n', "a latency table of edgenas, which needs no import"),
        (b"<!DOCTYPE html>\n<html>", "a web page"),
        (b"PK\x03\x04\x14", "a zip archive"),
        (b"\x93NUMPY\x01\x00", "a numpy array"),
        (b'{"a": 1}', "a JSON file of another form"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "published"
    path.write_bytes(content)
    for name in FORMATS:
        with pytest.raises(InputError) as caught:
            import_table(path, name)
        assert f"; it looks like {what}" in str(caught.value)
        assert str(caught.value).startswith(f"{path} as {name}: ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        import_table(tmp_path / "none", "tunas")
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text in UTF-8"):
        import_table(path, "tunas")
    with pytest.raises(InputError, match="no format 'magic'; there are proxylessnas, ofa"):
        import_table(path, "magic")
    with pytest.raises(InputError, match="format tunas holds one device a file; leave out --device-column"):
        import_table(path, "tunas", column="raspi4")


def test_a_block_far_apart_at_two_places_names_both(tmp_path: Path) -> None:
    path = tmp_path / "published"
    path.write_text(fbnet_csv().replace("pi,3,k5_e6,4", "pi,3,k5_e6,4.4"))
    assert import_table(path, "fbnet").apart is not None
    path.write_text(fbnet_csv().replace("pi,3,k5_e6,4", "pi,3,k5_e6,4.5"))
    with pytest.raises(
        InputError,
        match=r"ir-32x24-m144-o24-k5-s1-relu-res is 12 % apart between layer 2, k5_e6 and "
        r"layer 3, k5_e6",
    ):
        import_table(path, "fbnet")


def test_a_block_at_several_places_is_their_mean() -> None:
    block = BlockSpec.parse("conv-8x3-o4-k3-s1")
    entries = [
        PublishedEntry(f"place {i}", block, PublishedValue(ms, 0.5, 9)) for i, ms in enumerate((10.0, 10.5, 9.5))
    ]
    values, apart = merged(entries)
    assert values == {block: PublishedValue(10.0)}
    assert apart is not None and (apart.share, apart.places) == (0.1, ("place 2", "place 1"))
    assert merged(entries[:1]) == ({block: PublishedValue(10.0, 0.5, 9)}, None)
    with pytest.raises(InputError, match="holds no block"):
        merged([])


def test_a_space_of_other_layers_or_options_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "published"
    path.write_text(TEXTS["tunas"])
    with pytest.raises(InputError, match=r"the table has 22 layers, for a space of 25 .* this one has 11"):
        import_table(path, "tunas", space("nas_bench_macro"))
    with pytest.raises(InputError, match=r"layer 0 has the options k3, k5, k7, of which the space has none"):
        import_table(path, "tunas", space("fbnet"))
    with pytest.raises(InputError, match=r"in space tunas_v3, option .* is .* or .*, by what comes before"):
        import_table(path, "tunas", space("tunas_v3"))
    path.write_text(PROXYLESSNAS)
    with pytest.raises(InputError, match="says its blocks itself; leave out --space"):
        import_table(path, "proxylessnas", space("fbnet"))


def test_a_skip_that_costs_something_is_refused() -> None:
    options = [("k3_e1", 1.0), ("skip", 0.5)]
    layers = [options] * 22
    with pytest.raises(InputError, match=r"layer 0, skip: it costs 0.5 ms, but leaving a layer out costs nothing"):
        by_position(layers, 1.0, places(space("fbnet")), relative=False)
    free = {key: block for key, block in places(space("fbnet")).items() if key != (24, "fc")}
    both = {**free, (24, "a"): BlockSpec.parse("head-4x1504-o9"), (24, "b"): BlockSpec.parse("head-4x1504-o8")}
    with pytest.raises(InputError, match="layer 24 of the space has 2 options"):
        by_position(layers, 1.0, both, relative=True)


def test_every_format_is_listed_with_a_space_that_exists() -> None:
    assert list(FORMATS) == ["proxylessnas", "ofa", "single-path", "tunas", "fbnet", "plain"]
    assert all(space(f.space) for f in FORMATS.values() if f.space)
