"""Which files a table is read from and written to: formats, settings, two writers, a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.jsonl import Appender, read_lines
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.store.journal import FORMAT, FORMAT_VERSION, TableWriter, read_table
from tests.conftest import ROOT
from tests.latency_tables.test_journal import SETTING, lines, measurement, rewrite, write


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, "1", None, True])
def test_formats_there_never_were_and_newer_ones_are_refused_with_the_remedy(tmp_path: Path, version: object) -> None:
    path = tmp_path / "t.jsonl"
    write(path, [], [])
    rewrite(path, [{**lines(path)[0], "version": version}])
    with pytest.raises(
        InputError, match=f"line 1: format version .*reads versions 1 .. {FORMAT_VERSION}; get a newer edgenas: "
    ):
        read_table(path)


@pytest.mark.parametrize("text", ['{"a": 1}\n', "block,ms\n", "{}\n{}\n", '{"format":"edgenas latency tablet"}\n'])
def test_another_kind_of_file_is_neither_read_nor_touched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t"
    path.write_text(text + "no newline here")
    for act in (lambda: read_table(path), lambda: TableWriter(path, SETTING, "0")):
        with pytest.raises(InputError):
            act()
    assert path.read_text() == text + "no newline here"


def test_another_setting_is_refused_and_names_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    write(path, [measurement()], [])
    other = Setting.from_dict({**SETTING.as_dict(), "threads": 2, "device": {"cpu": "Cortex-A76"}})
    with pytest.raises(InputError, match="threads 1 / 2; device cores 4 / None; device cpu Cortex-A72 / Cortex-A76"):
        TableWriter(path, other, "0")
    with TableWriter(path, SETTING, "0") as writer:
        assert len(writer.found.table.measurements) == 1


def test_a_setting_survives_json_and_nothing_else_passes() -> None:
    plain = json.loads(json.dumps(SETTING.as_dict()))
    assert Setting.from_dict(plain) == SETTING
    for change in ({"threads": 0}, {"threads": "1"}, {"cores": [1.5]}, {"more": 1}, {"device": []}, {"runtime": 3}):
        with pytest.raises(ValueError, match=next(iter(change))):
            Setting.from_dict({**plain, **change})
    for name in plain:
        with pytest.raises(ValueError, match=f"setting has no {name}"):
            Setting.from_dict({k: v for k, v in plain.items() if k != name})


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TableWriter(path, SETTING, "0"):
        script = (
            "import sys; from pathlib import Path; from edgenas.base.jsonl import Appender\n"
            f"Appender(Path({str(path)!r}), {FORMAT!r}, 'a latency table')"
        )
        other = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
        assert "another process is writing it" in other.stderr
        with pytest.raises(InputError, match="another process is writing it"):
            TableWriter(path, SETTING, "0")
    TableWriter(path, SETTING, "0").close()


def test_a_full_disk_loses_no_record_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.jsonl"
    real = os.write
    with TableWriter(path, SETTING, "0") as writer:
        writer.append([measurement()])

        def half(fd: int, data: bytes) -> int:
            monkeypatch.setattr(os, "write", full)
            return real(fd, bytes(data)[: len(data) // 2])

        def full(fd: int, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", half)
        with pytest.raises(OutcomeError, match="No space left"):
            writer.append([measurement(process=1)])
        monkeypatch.setattr(os, "write", real)
        assert read_table(path).measurements == (measurement(),)
    assert path.read_bytes().endswith(b"\n")


def test_lines_that_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    for text, says in [
        ('{"a": 1}\n[1]\n', "line 2: .*not a JSON object"),
        ('{"a": 1, "a": 2}\n', "line 1: .*given twice"),
        ('{"a": Infinity}\n', "line 1: .*Infinity is not a JSON number"),
        ('{"a": 1}\n\n{"a": 1}\n', "line 2: damaged"),
        ("[" * 100_000 + "\n", "line 1: .*too deeply"),
        ('{"a": ' + "9" * 5000 + "}\n", "line 1: damaged"),
    ]:
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            read_lines(path)
    with pytest.raises(InputError, match="No such file"):
        read_lines(tmp_path / "absent")
    with pytest.raises(InputError, match="directory"):
        Appender(tmp_path, FORMAT, "a latency table")
