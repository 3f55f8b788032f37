"""OpenVINO from the table to the verified file, under LiteRT and under ONNX Runtime, on NAS-Bench-Macro."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from tests.support.delegates import openvino

pytestmark = pytest.mark.slow
SPACE = "nas_bench_macro"


def capacity(network: Architecture) -> float:
    """Stand-in for an accuracy, in percent: larger networks are better."""
    return min(99.0, sum(block.params for block in network.blocks) / 1e5)


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_openvino_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, shared_data: Path) -> None:
    monkeypatch.chdir(tmp_path)
    inventory = f'[devices.local]\nkind = "local"\npythons = {{ openvino = "{openvino()}" }}\n'
    (tmp_path / "devices.toml").write_text(inventory)
    quick = {"rounds": 2, "processes": 1, "force": True}
    profiled = edgenas.profile(
        SPACE, runtime=runtime, delegate="openvino:cpu", most_processes=1, within=50, cold_kib=512, **quick
    )
    profiled.check()
    path = profiled.paths[0]
    assert path.name == f"local-{runtime}-openvino-cpu.jsonl"
    edgenas.validate(path, space=SPACE, networks=10, chains=False, **quick)
    table = edgenas.open_table(path)
    assert table.journal is not None and table.validation is not None
    assert table.journal.table.setting.delegate == "openvino:cpu" and len(table.validation.networks) >= 8
    budget = 2 * float(table.validation.measured_ms.max())
    found = edgenas.search(SPACE, table=path, budget_ms=budget, accuracy=capacity, max_trials=20)
    suffix = "tflite" if runtime == "litert" else "onnx"
    found.best.export(tmp_path / "model")
    file = next((tmp_path / "model").glob(f"*.{suffix}"))
    with pytest.raises(
        InputError, match="was measured with openvino:cpu, so it does not predict files that openvino:npu"
    ):
        edgenas.verify(file, network=found.best, table=path, delegate="openvino:npu", **quick)
    (verdict,) = edgenas.verify(file, network=found.best, table=path, most_processes=1, budget_ms=100 * budget, **quick)
    assert verdict.setting is not None and verdict.setting.delegate == "openvino:cpu" and verdict.predicted_ms
    assert verdict.setting.nodes_taken == verdict.setting.nodes_total > 20
    assert verdict.init_ms is not None and verdict.init_ms > verdict.measured_ms
    assert json.dumps(verdict.setting.as_dict())
