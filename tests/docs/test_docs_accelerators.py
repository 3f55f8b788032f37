"""The page on accelerators: a software GPU here, and a phone's on an emulated one (``test_lab_end_to_end.py``)."""

from __future__ import annotations

import pytest

from edgenas.latency_tables.store.journal import read_table
from tests.support.delegates import use_software_gpu
from tests.support.docs_reader import Reader

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]


def test_accelerators(reader: Reader) -> None:
    use_software_gpu(reader.monkeypatch)
    assert len(reader.reads("docs/accelerators.md")) == 1
    (table,) = reader.folder.glob("local-litert-gpu*.jsonl")
    setting = read_table(table).setting
    assert (setting.delegate, setting.arithmetic) == ("gpu", "fp32") and "SwiftShader" in setting.accelerator
