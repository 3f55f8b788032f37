"""Tables with a prior: predictions of the blocks that were not measured, in the file and through the gate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.estimated import EstimatedTable
from edgenas.latency_tables.gate import searchable
from edgenas.latency_tables.prediction.transfer import transferred
from edgenas.latency_tables.records import HeldOut, Measurement, Prior
from edgenas.latency_tables.store.journal import TableWriter, read_journal, read_table
from edgenas.latency_tables.store.migration import FORMAT_VERSION
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.validation import latest, validation
from edgenas.search.spaces import space
from edgenas.search.table_cost import table_cost
from edgenas.tables.transfer import blocks_to_measure, prior_of, report
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import Device, networks, true_ms

SPACE = space("nas_bench_macro")
BLOCKS = SPACE.blocks()
#: a device on which everything takes 1.5 times as long
PRIOR = Prior("old.jsonl", "0" * 64, "phone", {block: 1.5 * true_ms(block) for block in BLOCKS})


def table(
    measured: list[BlockSpec], prior: Prior | None = PRIOR, validated: bool = True
) -> tuple[LatencyTable, HeldOut]:
    """Some blocks measured, and a validation of 16 networks."""
    device = Device(scale=1.1)
    made: list[Measurement] = []
    for block in measured:
        made += [device.measure((block,), process, "table", f"b{process}") for process in range(3)]
    held_out = HeldOut("v1", SPACE.name, "2026-11-30", 4, networks(16))
    for process in range(4) if validated else ():
        for network in held_out.networks:
            group = f"v1/{hash(network)}/{process}"
            pieces = {network, *((block,) for block in network if block.kind != "skip")}
            made += [device.measure(piece, process, "validation", group) for piece in pieces]
    unique = {m.key: m for m in made}
    return LatencyTable(SETTING, tuple(unique.values()), (), (), (held_out,) if validated else (), prior), held_out


MEASURED = blocks_to_measure(SPACE, PRIOR, 6)


def written(path: Path, made: LatencyTable) -> Path:
    with TableWriter(path, SETTING, "0.3.1") as writer:
        writer.append([*made.validations, *made.measurements, *([] if made.prior is None else [made.prior])])
    return path


def test_blocks_are_measured_predicted_or_missing() -> None:
    made, _ = table(MEASURED, validated=False)
    found = transferred(EstimatedTable(made, "alone"), PRIOR, "median")
    for block in BLOCKS:
        low, high = found.interval(block)
        assert found.is_predicted(block) == (block not in MEASURED) and low <= found.ms(block) <= high
        assert found.ms(block) == pytest.approx(true_ms(block), rel=0.03 if block in MEASURED else 0.15)
    assert found.ms(MEASURED[0]) == made.ms(MEASURED[0], "median")
    stranger = BlockSpec.parse("conv-8x3-o4-k3-s1")
    assert found.missing([*BLOCKS, stranger, BlockSpec.parse("skip-8x3")]) == (stranger,)
    with pytest.raises(InputError, match=r"neither measured nor in the table old\.jsonl"):
        found.ms(stranger)
    nothing, _ = table([], validated=False)
    with pytest.raises(InputError, match="none of the 18 blocks"):
        transferred(EstimatedTable(nothing, "alone"), PRIOR, "median")


def test_the_prior_is_kept_in_the_file(tmp_path: Path) -> None:
    made, _ = table(MEASURED, validated=False)
    path = written(tmp_path / "t.jsonl", made)
    found = read_table(path).prior
    assert found is not None and (found.file, found.device, dict(found.ms)) == ("old.jsonl", "phone", dict(PRIOR.ms))
    other = Prior("other.jsonl", "1" * 64, "board", {BLOCKS[0]: 2.0})
    with TableWriter(path, SETTING, "0.3.1") as writer:
        writer.append([other])
    last = read_table(path).prior
    assert last is not None and last.file == "other.jsonl", "the last one counts"


@pytest.mark.parametrize("version", [1, 2])
def test_a_table_of_an_older_version_is_read_and_can_get_a_prior(tmp_path: Path, version: int) -> None:
    from edgenas.base.sealing import sealed

    made, _ = table(MEASURED, None, validated=False)
    path = written(tmp_path / "t.jsonl", made)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["version"] = version
    for line in lines:
        line.pop("crc32")
        if version == 1 and "kind" in line:
            line["block"] = line.pop("blocks")[0]
            line.pop("purpose"), line.pop("batch")
    if version == 1:
        lines[0]["setting"].pop("cold_kib")
    path.write_text("".join(json.dumps(sealed(line)) + "\n" for line in lines))
    assert read_journal(path).version == version and read_table(path).prior is None
    with TableWriter(path, read_table(path).setting, "0.3.1") as writer:
        writer.append([PRIOR])
    assert read_journal(path).version == FORMAT_VERSION and read_table(path).prior is not None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"blocks_ms": {"conv-8x3-o4-k3-s1": 0}}, "0 ms for conv-8x3-o4-k3-s1, which is not above 0"),
        ({"blocks_ms": {"conv-8x3": 1}}, "is not a block"),
        ({"blocks_ms": {}}, "has 0 fields"),
        ({"blocks_ms": {"conv-8x3-o4-k3-s1": "1"}}, "is a text, not a number"),
        ({"sha256": 7}, "sha256 is a number, not a text"),
        ({"more": 7}, "unknown field 'more'"),
    ],
)
def test_a_damaged_prior_names_its_line(tmp_path: Path, change: dict[str, object], says: str) -> None:
    from edgenas.base.sealing import sealed

    made, _ = table(MEASURED[:1], validated=False)
    path = written(tmp_path / "t.jsonl", made)
    *lines, last = path.read_text().splitlines()
    record = {**json.loads(last), **change}
    record.pop("crc32")
    path.write_text("\n".join([*lines, json.dumps(sealed(record)), ""]))
    with pytest.raises(InputError, match=rf"line {len(lines) + 1}: .*{says}"):
        read_table(path)


def test_a_validation_counts_the_errors_of_predicted_blocks() -> None:
    """Beside a prior that is wrong by block, errors are larger than those of sums of measured blocks."""
    rng = np.random.default_rng(0)
    wrong = Prior("old.jsonl", "0" * 64, "phone", {b: ms * float(np.exp(rng.normal())) for b, ms in PRIOR.ms.items()})
    good, held_out = table(MEASURED)
    found = validation(good, held_out, "median")
    assert found.chosen.table is not None and found.chosen.table.mape < 0.1
    bad, held_out = table(MEASURED, wrong)
    other = validation(bad, held_out, "median")
    assert other.chosen.table is not None and other.chosen.table.mape > 2 * found.chosen.table.mape
    assert other.error_share() > found.error_share()
    bare, held_out = table(MEASURED, None)
    assert validation(bare, held_out, "median").chosen.table is None


def test_the_gate_marks_predicted_blocks_and_takes_no_table_without_validation(tmp_path: Path) -> None:
    made, _ = table(MEASURED)
    path = written(tmp_path / "t.jsonl", made)
    found = searchable(path, SPACE.name, BLOCKS)
    assert set(found.predicted(BLOCKS)) == set(BLOCKS) - set(MEASURED)
    assert (
        "6 blocks are measured, and all others are predicted from them and from old.jsonl (phone, 18" in found.notes[0]
    )
    proof = latest(made)
    assert proof is not None and found.error_share == proof.error_share()
    priced = table_cost(SPACE, path)
    network = SPACE.architecture(SPACE.parse("2.1.2.0.1.2.1.2"))
    truth = 1.1 * sum(true_ms(block) for block in network.blocks if block.kind != "skip")
    assert priced.cost.total(network) == pytest.approx(truth, rel=0.1)
    assert all(found.upper_ms(block) >= found.ms(block) for block in BLOCKS)
    bare, _ = table(MEASURED, validated=False)
    with pytest.raises(OutcomeError, match="never validated"):
        searchable(written(tmp_path / "bare.jsonl", bare), SPACE.name, BLOCKS)
    lacking = Prior("old.jsonl", "0" * 64, "phone", {b: ms for b, ms in PRIOR.ms.items() if b not in BLOCKS[-2:]})
    few, _ = table([b for b in MEASURED if b not in BLOCKS[-2:]], lacking)
    with pytest.raises(InputError, match="lacks 2 of 18 blocks"):
        searchable(written(tmp_path / "few.jsonl", few), SPACE.name, BLOCKS)


def test_the_report_says_when_more_blocks_are_needed(tmp_path: Path) -> None:
    few = report(written(tmp_path / "few.jsonl", table(MEASURED[:3])[0]), SPACE)
    many = report(written(tmp_path / "many.jsonl", table(blocks_to_measure(SPACE, PRIOR, 14))[0]), SPACE)
    assert (few.measured, few.predicted, many.measured) == (3, 15, 14)
    assert not few.enough and few.needs is not None and 3 < few.needs <= 18
    assert many.enough and many.needs is None and many.half_width < few.half_width
    assert many.ratio == pytest.approx(1 / 1.5, rel=0.03)
    assert many.inside is not None and many.inside >= 0.75 and many.error is not None and many.error < 0.05
    assert report(written(tmp_path / "b.jsonl", table(MEASURED, validated=False)[0]), SPACE).inside is None


def test_blocks_to_measure_cover_every_kind() -> None:
    assert {block.kind for block in blocks_to_measure(SPACE, PRIOR, 3)} == {block.kind for block in BLOCKS}
    with pytest.raises(InputError, match="less than one block of each kind"):
        blocks_to_measure(SPACE, PRIOR, 2)


def test_an_old_table_without_all_blocks_is_refused(tmp_path: Path) -> None:
    made, _ = table(list(BLOCKS[:-1]), None, validated=False)
    path = written(tmp_path / "old.jsonl", made)
    with pytest.raises(InputError, match=f"the old table lacks 1 of 18 blocks, such as {BLOCKS[-1]}"):
        prior_of(path, BLOCKS)
    found = prior_of(path, BLOCKS[:-1])
    assert found.ms[BLOCKS[0]] == made.ms(BLOCKS[0], "median") and "litert" in found.device
