"""A file that does not exist: every verb names it and the next command, with exit code 2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edgenas.base.reading import REMEDIES
from edgenas.cli import cli, main
from edgenas.latency_tables.imported import ImportedTable, PublishedValue, TableSource, write_imported
from edgenas.search.spaces import space

SPACE = space("digits")

RUN = "make a run: edgenas demo"
TABLE = "measure one: edgenas profile SPACE -o gone"
SEARCH = "write one: edgenas search SPACE --budget-macs MACS --accuracy JUDGE -o gone"
NETWORK = "search for one: edgenas search SPACE --budget-macs MACS --accuracy JUDGE -o gone"
MODEL = "write one: edgenas export NETWORK -o FOLDER"
PICTURES = "a folder with one folder of images for each class, or an .npz of arrays"
INVENTORY = "write one: edgenas devices add NAME --ssh HOST --inventory gone"
JUDGED = ("--budget-macs", "1e9", "--accuracy", "judge.py:judge")

#: (verb, parameter) -> (arguments that name a file that does not exist, what the answer says)
CASES: dict[tuple[str, str], tuple[tuple[str, ...], str]] = {
    ("blocks", "space_or_network"): (("gone.json",), NETWORK),
    ("profile", "space_or_network"): (("gone.json",), NETWORK),
    ("profile", "inventory"): (("digits", "--inventory", "gone.toml"), INVENTORY),
    ("profile", "old"): (("digits", "--from", "gone.jsonl", "--blocks", "5"), TABLE),
    ("doctor", "inventory"): (("--inventory", "gone.toml"), INVENTORY),
    ("table show", "table"): (("gone.jsonl",), TABLE),
    ("table check", "table"): (("gone.jsonl", "--space", "digits"), TABLE),
    ("table validate", "table"): (("gone.jsonl",), TABLE),
    ("table diff", "first"): (("gone.jsonl", "pi.jsonl"), TABLE),
    ("table diff", "second"): (("pi.jsonl", "gone.jsonl"), TABLE),
    ("table import", "file"): (("gone.csv", "--format", "fbnet", "-o", "x.jsonl"), "edgenas table import --help"),
    ("table fit", "networks"): (("gone.csv", "--space", "digits", "-o", "x.jsonl"), "file of networks and ms"),
    ("table fit", "old"): (("here.tflite", "--space", "digits", "--from", "gone.jsonl", "-o", "x.jsonl"), TABLE),
    ("search", "accuracy"): (("digits", *JUDGED[:2], "--accuracy", "table:gone.csv"), "of networks and accuracies"),
    ("search", "table"): (("digits", "--table", "gone.jsonl", "--budget-ms", "1", *JUDGED[2:]), TABLE),
    ("search", "also"): (("digits", "--also", "gone.jsonl=2", *JUDGED), TABLE),
    ("search", "images"): (("digits", *JUDGED[:2], "--accuracy", "supernet", "--images", "gone"), PICTURES),
    ("front", "search"): (("gone.json",), SEARCH),
    ("spaces", "inventory"): (("--fits", "8ms", "--device", "pi4", "--inventory", "gone.toml"), INVENTORY),
    ("adapt make", "search"): (("gone.json", "--budget-ms", "1", "-o", "menu"), SEARCH),
    ("adapt try", "menu"): (("gone",), "edgenas adapt"),
    ("adapt replay", "menu"): (("gone", "stairs"), "edgenas adapt"),
    ("train", "data"): (("digits/0.0.0.0.0.0", "--data", "gone.npz", "--loss", "mse"), "with the arrays images and"),
    ("export", "network"): (("gone.json",), NETWORK),
    ("export", "pretrained"): (("mobilenet_v2", "--pretrained", "gone.pth"), "docs/pretrained.md tells where"),
    ("export", "weights"): (("mobilenet_v3_small", "--weights", "gone.npz"), "make a run: edgenas ship"),
    ("export", "labels"): (("mobilenet_v3_small", "--labels", "gone.txt"), "ls photos/train > labels.txt"),
    ("export", "calibrate"): (("mobilenet_v3_small", "--precision", "int8", "--calibrate", "gone"), PICTURES),
    ("export", "test"): (("mobilenet_v3_small", "--test", "gone"), PICTURES),
    ("export", "inventory"): (("mobilenet_v3_small", "--inventory", "gone.toml"), INVENTORY),
    ("verify", "files"): (("gone.tflite",), MODEL),
    ("verify", "files sustained"): (("gone.tflite", "--sustained", "90s"), MODEL),
    ("verify", "files images"): (("gone.tflite", "--images", "here"), MODEL),
    ("verify", "inventory"): (("here.tflite", "--inventory", "gone.toml"), INVENTORY),
    ("verify", "tables"): (("here.tflite", "--network", "mobilenet_v2", "--table", "gone.jsonl"), TABLE),
    ("verify", "images"): (("here.tflite", "--images", "gone"), PICTURES),
    ("ship", "images"): (("digits", "--images", "gone", "--budget-ms", "1"), PICTURES),
    ("ship", "inventory"): (("digits", "--images", "gone", "--budget-ms", "1", "--inventory", "gone.toml"), INVENTORY),
    ("bundle", "run"): (("gone",), RUN),
    ("bundle", "search"): (("here", "--search", "gone.json", "--test", "here"), SEARCH),
    ("bundle", "test"): (("here", "--search", "here.tflite", "--test", "gone"), PICTURES),
    ("bundle", "table"): (("here", "--search", "here.tflite", "--test", "here", "--table", "gone.jsonl"), TABLE),
    ("report", "runs"): (("gone",), RUN),
    ("watch", "runs"): (("gone.jsonl",), RUN),
    ("demo", "inventory"): (("--inventory", "gone.toml"), INVENTORY),
    ("devices", "inventory"): (("--inventory", "gone.toml"), INVENTORY),
    ("devices list", "inventory"): (("--inventory", "gone.toml"), INVENTORY),
    ("devices check", "inventory"): (("--inventory", "gone.toml"), INVENTORY),
    **{(f"devices {verb}", "inventory"): (("a", "--inventory", "gone.toml"), INVENTORY)
       for verb in ("enroll", "prepare", "facts", "unlock")},
    ("devices exec", "inventory"): (("--inventory", "gone.toml", "a", "true"), INVENTORY),
    **{("devices add", tool): (("a", "--adb", "s", f"--{tool.replace('_', '-')}", "gone"), "name the program")
       for tool in ("benchmark_model", "onnxruntime_perf_test")},
}  # fmt: skip

#: files that a verb writes, or only passes on
NOT_READ = {"out", "csv", "parquet", "picture", "folder", "key", "wheels"}
#: parameters that are read only after a measured table, a search or pictures, or whose file need not exist
ELSEWHERE = {("front", "table"), ("ship", "table"), ("bundle", "inventory"), ("table validate", "inventory"),
             ("search", "inventory"), ("devices add", "inventory"), ("adapt make", "images"), ("adapt make", "table"),
             ("adapt make", "inventory"), ("adapt try", "inventory"), ("adapt replay", "trace"),
             ("bundle", "try_html")}  # fmt: skip


def path_parameters(command: click.Command, verb: str = "") -> Iterator[tuple[str, str]]:
    """(verb, parameter) of every option and argument that names a file."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner is not None
            yield from path_parameters(inner, f"{verb} {name}".strip())
    yield from ((verb, str(each.name)) for each in command.params if isinstance(each.type, click.Path))


def test_every_parameter_that_names_a_file_is_here() -> None:
    read = {(verb, name) for verb, name in path_parameters(cli) if name not in NOT_READ}
    assert read - ELSEWHERE <= CASES.keys()


@pytest.mark.parametrize(("verb", "parameter"), CASES, ids=[" ".join(case) for case in CASES])
def test_a_file_that_does_not_exist(
    verb: str, parameter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, remedy = CASES[verb, parameter]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here.tflite").touch()
    source = TableSource("ofa", "f.yaml", "0" * 64, "pi")
    write_imported("pi.jsonl", ImportedTable(source, {SPACE.blocks()[0]: PublishedValue(1.0)}, "0", "now"))
    (tmp_path / "judge.py").write_text("judge = len\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as end:
        main([*verb.split(), *arguments])
    error = capsys.readouterr().err.splitlines()[-1]
    assert end.value.code == 2
    assert re.match(r"edgenas: gone\S*: No such file or directory; ", error), error
    assert remedy in error
    left = [each for each in tmp_path.rglob("*") if "__pycache__" not in str(each)]
    assert sorted(left) == before


def test_every_kind_of_file_has_a_remedy() -> None:
    for remedy in REMEDIES.values():
        assert remedy.format(path="x").startswith(("name ", "download "))
