"""The commands of every page, run in the order in which they stand, in a folder of its own: each page is a story.

They are run in this process, which spares a second a command; ``tests/test_cli.py`` starts real ones. What a page shows
as a file (a Python block whose first line is its name) is there. Measurements are cut short by SHORT, and by what the
page itself says in a comment (``tests/docs_pages.py``).
"""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from edgenas.cli import main
from tests.docs_commands import replaced
from tests.docs_pages import blocks_of, shell_blocks
from tests.picture_toys import write_classes
from tests.report_toys import write_finished_run
from tools.rig.sshd import SshServer

pytestmark = pytest.mark.slow
pytest_plugins = ["tools.rig.fixtures"]

#: verb -> options under which it measures next to nothing, on a machine that may be busy
SHORT = {
    "profile": "--processes 1 --most-processes 1 --rounds 1 --force",
    "table validate": "--networks 8 --processes 1 --rounds 1 --no-chains --force",
    "search": "--force",
    "verify": "--processes 1 --most-processes 1 --rounds 1 --force",
}
ALLOWED = {"devices check": {0, 1}}  #: exit codes besides 0: it refuses a machine that is busy


class Reader:
    """Types the commands of a page in ``folder``; ``more`` are options of a verb that only this place knows."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.more = folder, dict[str, str]()
        self._monkeypatch = monkeypatch
        monkeypatch.chdir(folder)
        for name in ("HOME", "XDG_CONFIG_HOME"):
            monkeypatch.setenv(name, str(folder / "home"))
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    def reads(self, page: str) -> int:
        """Run all of it; how many commands that were."""
        count = 0
        for block in blocks_of(page):
            if block.file and "/" not in block.file:
                (self.folder / block.file).write_text(block.text)
        for block in shell_blocks():
            if block.page == page and not block.why:
                for words in block.commands():
                    self.types(words, block.options, f"{block}: {shlex.join(words)}")
                    count += 1
        return count

    def types(self, words: Sequence[str], options: Sequence[str], what: str) -> None:
        program, *rest = words
        if program == "export":
            for name, _, value in (word.partition("=") for word in rest):
                assert name == "PYTHONPATH", f"{what}: nothing here knows {name}"
                self._monkeypatch.syspath_prepend(str((self.folder / value).resolve()))
            return
        assert program == "edgenas", f"{what}: nothing here runs {program}"
        verb = " ".join(rest[: 2 if rest[0] in ("table", "devices") else 1])
        typed = replaced(rest, shlex.split(SHORT.get(verb, "")))
        typed = replaced(typed, shlex.split(self.more.get(verb, "")))
        typed = replaced(typed, options)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main(typed)
        assert (ended.value.code or 0) in ALLOWED.get(verb, {0}), f"{what}\nas: {shlex.join(typed)}\n{said.getvalue()}"


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    before = set(sys.modules)
    (tmp_path / "story" / "home").mkdir(parents=True)
    yield Reader(tmp_path / "story", monkeypatch)
    for name in set(sys.modules) - before:
        if (file := getattr(sys.modules[name], "__file__", None)) and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


def test_start(reader: Reader) -> None:
    write_finished_run(reader.folder / "runs" / "20270101-120000", ["fp32"])
    assert reader.reads("docs/start.md") >= 12
    assert {"table.csv", "search.json", "small.json", "model", "report.html", "digits-fast"} <= {
        path.name for path in reader.folder.iterdir()
    }


def test_profile_a_pi(reader: Reader, ssh_server: SshServer) -> None:
    where = f"{ssh_server.user}@{ssh_server.host}:{ssh_server.port}"
    key = ssh_server.new_key()
    reader.more = {
        "devices add": f"--ssh {where} --key {key} --python {sys.executable} --pool pi4",
        "devices enroll": f"--fingerprint {ssh_server.fingerprint()}",
    }
    (reader.folder / "my_judge.py").write_text(judge_of_start())
    assert reader.reads("docs/profile-a-pi.md") >= 10
    assert {"pi4-litert.jsonl", "pi4-onnxruntime.jsonl"} <= {path.name for path in reader.folder.iterdir()}


def test_profile_a_phone(reader: Reader) -> None:
    (reader.folder / "home" / "benchmark_model").write_text("#!/bin/sh\n")
    reader.more = {"devices add": f"--benchmark-model {reader.folder}/home/benchmark_model"}  # a shell expands ~
    assert reader.reads("docs/profile-a-phone.md") == 1
    assert "[devices.pixel]" in (reader.folder / "devices.toml").read_text()


def test_your_own_images(reader: Reader) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("PIL.Image")
    write_classes(reader.folder / "photos", 20)
    assert reader.reads("docs/your-own-images.md") >= 2
    assert {"trained.json", "search.json"} <= {path.name for path in reader.folder.iterdir()}


def judge_of_start() -> str:
    return next(block.text for block in blocks_of("docs/start.md") if block.file == "my_judge.py")


STORIES: dict[str, Callable[..., None]] = {
    "docs/start.md": test_start,
    "docs/profile-a-pi.md": test_profile_a_pi,
    "docs/profile-a-phone.md": test_profile_a_phone,
    "docs/your-own-images.md": test_your_own_images,
}


def test_no_page_is_left_out() -> None:
    """A page with a command that is not said to be not run has its story here."""
    assert {block.page for block in shell_blocks() if not block.why} == STORIES.keys()


def test_the_four_lines_of_the_readme(reader: Reader) -> None:
    command = next(words for block in shell_blocks() if block.page == "README.md" for words in block.commands()
                   if words[:3] == ["edgenas", "devices", "add"])  # fmt: skip
    reader.types(command, (), "README.md")
    (shown,) = [block.text for block in blocks_of("README.md") if block.language == "toml"]
    assert (reader.folder / "devices.toml").read_text() == shown
