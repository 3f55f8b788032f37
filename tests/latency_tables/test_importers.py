"""Published tables become blocks and milliseconds, and sums over networks stay what they were published as."""

from __future__ import annotations

import csv
import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable
from edgenas.latency_tables.importers import FORMATS, fbnet
from edgenas.latency_tables.importers.single_path import FIXED_MS
from edgenas.latency_tables.importers.tunas import LAYERS as TUNAS_LAYERS
from edgenas.search.space import Space
from edgenas.search.spaces import space
from edgenas.search.spaces.proxylessnas import PROXYLESSNAS_MOBILE
from edgenas.tables.published import import_table, places
from tests.support.published import FBNET_JSON, OFA, PROXYLESSNAS, TEXTS, fbnet_csv, single_path, tunas

PIXEL1 = {
    "proxylessnas": "proxylessnas_pixel_trim.yaml",
    "single-path": "singlepath_pixel1_runtime_model.json",
    "tunas": "tunas_proxylessnas_pixel1_linear.json",
}
FBNET_OPS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")


def imported(folder: Path, text: str, name: str, column: str = "") -> ImportedTable:
    path = folder / "published"
    path.write_text(text)
    return import_table(path, name, column=column).table


def by_text(table: ImportedTable) -> dict[str, float]:
    return {str(block): table.ms(block) for block in table.blocks}


def option_keys(s: Space, choice: tuple[int, ...]) -> list[str]:
    return [layer.options[i].key for layer, i in zip(s.layers, choice, strict=True)]


def test_proxylessnas_entries(tmp_path: Path) -> None:
    table = imported(tmp_path, PROXYLESSNAS, "proxylessnas")
    assert by_text(table) == {
        "conv-224x3-o32-k3-s2-relu6": 4.5,
        "sep-112x32-o16-k3-s1-relu6": 4.0,
        "ir-14x80-m240-o80-k5-s1-relu6-res": 1.75,
        "conv-7x320-o1280-k1-s1-relu6": 6.25,
        "head-7x1280-o1000": 0.1,
    }
    stem, *_, last, _ = table.values.values()
    assert (stem.sd_ms, stem.count) == (0.4, 949)
    assert (last.sd_ms, last.count) == (0.5, None)
    assert table.source.device == "Pixel 1"


def test_once_for_all_flags_and_the_head_of_three_parts(tmp_path: Path) -> None:
    assert by_text(imported(tmp_path, OFA, "ofa")) == {
        "conv-224x3-o16-k3-s2-hswish": 2.5,
        "sep-112x16-o16-k3-s1-relu-res": 1.0,
        "ir-56x32-m128-o32-k5-s1-se32-hswish-res": 1.75,
        "conv-7x160-o960-k1-s1-hswish": 3.0,
        "head-7x960-m1280-o1000-hswish": 1.75,
    }
    without = OFA.replace("Conv_2-input:1x1x960-output:1x1x1280", "Conv_2-input:1x1x320-output:1x1x1280")
    table = imported(tmp_path, without, "ofa")
    assert len(table.blocks) == 4
    assert table.source.left_out == ("3 parts of heads whose other parts the file lacks",)


def test_fbnet_of_two_devices_gives_the_one_that_is_named(tmp_path: Path) -> None:
    head, *lines = fbnet_csv().splitlines()
    slow = [f"tx2,{layer},{op},{2 * float(ms)}" for _, layer, op, ms in (line.split(",") for line in lines)]
    both = "\n".join([head, *lines, *slow]) + "\n"
    alone = by_text(imported(tmp_path, fbnet_csv(), "fbnet"))
    assert by_text(imported(tmp_path, both, "fbnet", "pi")) == alone
    assert by_text(imported(tmp_path, both, "fbnet", "tx2")) == {block: 2 * ms for block, ms in alone.items()}


def test_fbnet_by_shape(tmp_path: Path) -> None:
    table = imported(tmp_path, FBNET_JSON, "fbnet", "raspi4")
    assert by_text(table) == {
        "conv-32x3-o16-k3-s1-relu": 1.5,
        "ir-32x16-m96-o16-k5-s1-relu-res": 3.5,
        "conv-32x24-o32-k1-s2-relu": 0.25,
        "head-4x1504-o100": 0.625,
    }
    assert table.source.left_out == (
        "1 group convolutions",
        "1 skips that do nothing",
        "1 parts of heads whose other parts the file lacks",
    )


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].space])
def test_a_positional_table_fills_its_space(tmp_path: Path, name: str) -> None:
    table = imported(tmp_path, TEXTS[name], name)
    s = space(FORMATS[name].space)
    assert set(table.blocks) == set(s.blocks())
    assert table.source.space == s.name


def tunas_ms(model: dict[str, object], s: Space, choice: tuple[int, ...]) -> float:
    """The linear model as published: bias and a coefficient a layer."""
    coefficients = model["coefficients_ms"]
    assert isinstance(coefficients, list) and isinstance(model["bias_ms"], float)
    total, at = model["bias_ms"], 0
    for keys, key in zip(TUNAS_LAYERS, option_keys(s, choice)[1:-2], strict=True):
        total += coefficients[at + keys.index(key)]
        at += len(keys)
    return float(total)


@given(seed=st.integers(0, 10**6), data=st.data())
def test_sums_of_a_linear_model_are_exact(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    model = tunas()
    model["bias_ms"] = data.draw(st.floats(120, 300))
    s = space("proxylessnas")
    table = imported(tmp_path_factory.mktemp("t"), json.dumps(model), "tunas")
    choice = s.sample(random.Random(seed))
    assert table.total_ms(s.architecture(choice)) == pytest.approx(tunas_ms(model, s, choice), abs=1e-9)
    assert min(table.ms(block) for block in table.blocks) >= 0


def test_sums_of_the_single_path_model(tmp_path: Path) -> None:
    model, s = single_path(), space("single_path")
    table = imported(tmp_path, json.dumps(model), "single-path")
    for seed in range(50):
        choice = s.sample(random.Random(seed))
        expected = FIXED_MS + sum(model[str(n)][str(i)] for n, i in enumerate(choice[2:-3], start=1) if i < 4)
        assert table.total_ms(s.architecture(choice)) == pytest.approx(expected, abs=1e-9)


def test_the_published_proxylessnas_table_is_its_space(shared_data: Path) -> None:
    table = import_table(shared_data / "pixel1" / PIXEL1["proxylessnas"], "proxylessnas").table
    assert set(table.blocks) == set(space("proxylessnas_24").blocks())
    wide = space("proxylessnas")
    missing, more = table.missing(wide.blocks()), set(table.blocks) - set(wide.blocks())
    assert {(b.c_in, b.c_out) for b in missing} == {(16, 32), (32, 32), (32, 40)}  # a first stage of 32, not 24
    assert {(b.c_in, b.c_out) for b in more if b.kind == "ir"} == {(16, 24), (24, 24), (24, 40)}
    assert {b.kernel for b in more if b.kind == "sep"} == {5, 7}
    assert len(missing) == 18 and len(more) == 20
    assert 200e6 < max(space_macs(space("proxylessnas_24"), seed) for seed in range(20)) < 600e6
    stem = table.values[table.blocks[0]]
    assert (stem.mean_ms, stem.count, stem.sd_ms) == (4.397037934668071, 949, pytest.approx(0.1562765530967112**0.5))


def space_macs(s: Space, seed: int) -> int:
    return s.architecture(s.sample(random.Random(seed))).macs


def test_the_example_of_once_for_all(shared_data: Path) -> None:
    table = import_table(shared_data / "pixel1" / "ofa_form_example.yaml", "ofa").table
    assert by_text(table)["ir-56x32-m128-o32-k5-s1-se32-hswish-res"] == 1.75


def test_the_published_linear_model(shared_data: Path) -> None:
    path = shared_data / "pixel1" / PIXEL1["tunas"]
    found, model, s = import_table(path, "tunas"), json.loads(path.read_text()), space("proxylessnas")
    assert found.apart is not None and 0.001 < found.apart.share < 0.01
    errors = []
    for seed in range(200):
        choice = s.sample(random.Random(seed))
        errors.append(abs(found.table.total_ms(s.architecture(choice)) - tunas_ms(model, s, choice)))
    # ms, of some 80: the coefficients of one block differ by position, and a block has their mean
    assert max(errors) < 0.06
    mobile = s.architecture((0, 0, *PROXYLESSNAS_MOBILE, 0, 0))
    assert found.table.total_ms(mobile) == pytest.approx(78, rel=0.1)  # on a Pixel 1: 1812.00332, table 2
    for block in found.table.blocks:
        if block.kind == "ir" and block.c_mid == 3 * block.c_in:
            assert found.table.ms(replace(block, c_mid=6 * block.c_in)) > found.table.ms(block)


def test_the_published_single_path_model(shared_data: Path) -> None:
    found = import_table(shared_data / "pixel1" / PIXEL1["single-path"], "single-path")
    assert set(found.table.blocks) == set(space("single_path").blocks())
    assert found.apart is not None and 0.04 < found.apart.share < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("device", ["raspi4", "pixel3"])
def test_every_published_fbnet_is_a_sum_of_its_table(shared_data: Path, device: str) -> None:
    """All 5,000 by position, group convolutions given blocks of their own; those without any by the table itself."""
    s = space("fbnet")
    path = shared_data / "fbnet" / "fbnet_lut_recovered.csv"
    table = import_table(path, "fbnet", column=device).table
    groups = {
        (layer, op): BlockSpec("conv", 1, layer, c_out=n + 1)
        for layer in range(1, 23)
        for n, op in enumerate(("k3_e1_g2", "k5_e1_g2"))
    }
    reading = fbnet.read(path.read_text(), {**places(s), **groups}, device)
    ms = {entry.place: entry.value.mean_ms for entry in reading.entries}
    outside = ms["what belongs to no layer"]
    alone = 0
    with gzip.open(shared_data / "fbnet" / "fbnet_5000_latency.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            ops = [FBNET_OPS[int(row[f"op{i}"])] for i in range(22)]
            published = float(row[f"lat_{device}"])
            total = outside + sum(ms.get(f"layer {i}, {op}", 0.0) for i, op in enumerate(ops))
            assert total == pytest.approx(published, abs=2e-6)  # it has six decimals
            if not any(op.endswith("_g2") for op in ops):
                keys = [[option.key for option in layer.options] for layer in s.layers[1:-2]]
                choice = (0, *(own.index(op) for own, op in zip(keys, ops, strict=True)), 0, 0)
                assert table.total_ms(s.architecture(choice)) == pytest.approx(published, abs=2e-6)
                alone += 1
    assert alone == 9
    assert not table.missing(s.blocks())
    assert table.source.left_out[0].startswith("44 numbers of options")
