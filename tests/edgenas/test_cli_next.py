"""Every verb ends with what is worth typing next and its answer, but for those whose stdout is taken as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgenas.base.errors import EdgenasError
from edgenas.cli import VERBS, cli
from edgenas.cli.devices import VERBS as DEVICE_VERBS
from edgenas.cli.table import VERBS as TABLE_VERBS
from tests.support.docs_pages import shell_blocks
from tests.support.docs_reader import ENDS_WITH_NEXT
from tests.support.published import PROXYLESSNAS
from tests.support.report_toys import write_finished_run

SMALL = ("nas_bench_macro", "--in-size", "8", "--rounds", "2", "--processes", "1", "--most-processes", "1")

#: stdout is what was asked for, whole: a script, and what a command on a device printed
DATA = {"completion", "devices exec"}


def verbs() -> set[str]:
    """'spaces', 'table show', ..."""
    groups = (("", VERBS), ("table ", TABLE_VERBS), ("devices ", DEVICE_VERBS))
    return {prefix + verb for prefix, group in groups for verb in group} - {"table", "devices"}


def test_no_verb_is_left_out() -> None:
    """Each verb is typed below or on a page, and whoever types it looks for what is next."""
    here = Path(__file__).read_text()
    typed_here = {verb for verb in verbs() if _is_typed(verb, here)}
    on_pages = {" ".join(words[1:]) for block in shell_blocks() for words in block.commands() if words[0] == "edgenas"}
    assert verbs() - typed_here - DATA == ENDS_WITH_NEXT
    assert all(any(line.startswith(verb) for line in on_pages) for verb in ENDS_WITH_NEXT)


def _is_typed(verb: str, text: str) -> bool:
    words = ", ".join(f'"{word}"' for word in verb.split())
    return f"typed({words}" in text or f"invoke(cli, [{words}" in text


def typed(*args: str, code: int = 0) -> Result:
    """Type ``edgenas ARGS`` in this process."""
    done = CliRunner().invoke(cli, list(args))
    if code == 1:
        assert isinstance(done.exception, EdgenasError), done.exception
    else:
        assert done.exit_code == 0, (done.exception, done.output)
    return done


def following(stdout: str) -> str:
    """What the output says is next, before its last line, which is the answer of the verb."""
    assert stdout.rstrip().splitlines()[-1].startswith("answer:"), stdout
    found = re.findall(r"^next: +(\S.*)$", stdout, re.MULTILINE)
    assert found, stdout
    return str(found[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a table, a judge and a board that nobody answers for."""
    where = tmp_path_factory.mktemp("next")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        patch.syspath_prepend(str(where))
        (where / "next_judge.py").write_text("def by_macs(a):\n    return 20 + 20 * a.macs ** 0.06\n")
        assert following(typed("profile", *SMALL, "-o", "t.jsonl").stdout) == "edgenas table show t.jsonl"
        (where / "again.jsonl").write_bytes((where / "t.jsonl").read_bytes())
        yield where


@pytest.mark.slow
def test_spaces_and_blocks(folder: Path) -> None:
    assert "edgenas profile NAME" in following(typed("spaces").stdout)
    one = typed("spaces", "nas_bench_macro", "--in-size", "8").stdout
    assert following(one) == "edgenas profile nas_bench_macro --in-size 8"
    assert (
        following(typed("blocks", "mobilenet_v2", "--classes", "10").stdout)
        == "edgenas profile mobilenet_v2 --classes 10"
    )


def test_tables(folder: Path) -> None:
    assert following(typed("table", "show", "t.jsonl").stdout) == "edgenas table validate t.jsonl"
    assert following(typed("table", "diff", "t.jsonl", "again.jsonl").stdout).startswith(
        "edgenas report t.jsonl again."
    )
    checked = CliRunner().invoke(cli, ["table", "check", "t.jsonl", "--space", "nas_bench_macro", "--in-size", "8"])
    if checked.exit_code == 0:  # at 8 pixels overhead may dominate, which is an error of its own
        assert following(checked.stdout) == "edgenas table validate t.jsonl"
    assert "edgenas profile nas_bench_macro --runtime litert" in str(
        typed("table", "check", "t.jsonl", "--space", "nas_bench_macro", code=1).exception
    )


@pytest.mark.slow
def test_from_search_to_verify(folder: Path) -> None:
    way = ("--unvalidated", "--accuracy", "next_judge:by_macs", "--algorithm", "mathnas", "--in-size", "8")
    found = typed("search", "nas_bench_macro", "--table", "t.jsonl", "--budget-ms", "1000", *way)
    assert following(found.stdout) == "edgenas export search.json"
    assert following(typed("front", "search.json", "--unvalidated").stdout).startswith(
        "edgenas export nas_bench_macro/"
    )
    exported = following(typed("export", "search.json", "-o", "model").stdout)
    assert exported == "edgenas verify model/model.tflite model/model.onnx --budget-ms MS"
    quick = ("--rounds", "2", "--processes", "1", "--force")
    timed = following(typed("verify", "model/model.tflite", *quick).stdout)
    assert re.fullmatch(r"edgenas verify model/model.tflite --budget-ms [0-9.e+-]+", timed)
    inside = following(typed("verify", "model/model.tflite", "--budget-ms", "1000", *quick).stdout)
    assert inside.endswith("--json > verified.json, then edgenas report verified.json")
    assert following(typed("report", "t.jsonl", "search.json", "-o", "r.html").stdout) == "open r.html in a browser"


def test_what_others_published(folder: Path) -> None:
    (folder / "published.yaml").write_text(PROXYLESSNAS)
    imported = typed("table", "import", "published.yaml", "--format", "proxylessnas", "-o", "imported.jsonl")
    assert following(imported.stdout).startswith("edgenas search ")


def test_times_to_fill_in(folder: Path) -> None:
    made = typed("table", "template", "digits", "-o", "fill.csv")
    assert following(made.stdout) == "edgenas table import fill.csv --format plain --device DEVICE -o TABLE.jsonl"
    shown = typed("table", "template", "digits").stdout
    assert shown == (folder / "fill.csv").read_text()


def test_times_of_whole_networks(folder: Path) -> None:
    rows = [f"{a}.{b}.1.1.1.1.1.1,{1 + a / 4 + b / 8}" for a in range(3) for b in range(3)]
    (folder / "networks.csv").write_text("\n".join(["network,ms", *rows]))
    made = typed("table", "fit", "networks.csv", "--space", "nas_bench_macro", "--in-size", "8", "-o", "fitted.jsonl")
    assert following(made.stdout).startswith("edgenas search nas_bench_macro --in-size 8 --table fitted.jsonl ")


@pytest.mark.slow
def test_validation_and_bundle(folder: Path) -> None:
    few = ("--networks", "8", "--processes", "1", "--rounds", "1", "--no-chains", "--force")
    (folder / "validated.jsonl").write_bytes((folder / "t.jsonl").read_bytes())
    validated = typed("table", "validate", "validated.jsonl", *few)
    assert following(validated.stdout).startswith("edgenas search nas_bench_macro ")
    write_finished_run(folder / "run")
    assert following(typed("bundle", "run", "-o", "whole").stdout) == "edgenas verify whole"


@pytest.mark.slow
def test_doctor() -> None:
    done = CliRunner().invoke(cli, ["doctor"])
    if done.exit_code == 0:  # what it lacks is said in its place
        assert following(done.stdout) == "edgenas devices check, or edgenas demo"


@pytest.mark.slow
def test_devices(folder: Path) -> None:
    inventory = ("--inventory", "my devices.toml")
    added = typed("devices", "add", "pi4", "--ssh", "pi@pi4.invalid", *inventory)
    assert following(added.stdout) == "edgenas devices enroll pi4 --inventory 'my devices.toml'"
    assert following(typed("devices", "list").stdout) == "edgenas devices check"
    assert following(typed("devices", "facts", "local").stdout) == "edgenas devices check local"
    assert following(typed("devices", "unlock", "local").stdout) == "edgenas devices check local"
    checked = CliRunner().invoke(cli, ["devices", "check", "local"])  # a busy machine is refused
    refused = checked.exit_code != 0
    last = checked.stdout.rstrip("\n").splitlines()[-1].removeprefix("answer:").strip()
    assert last == (f"{'no device is ready' if refused else 'ready'} to be measured{'' if refused else ': local'}")
    assert refused or following(checked.stdout) == "edgenas profile SPACE --device local"
