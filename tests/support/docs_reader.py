"""Somebody who reads a page and types every command on it, in a folder of their own.

``edgenas`` runs in this process, which spares a second a command; ``tests/edgenas/test_cli.py`` starts real ones. All
other programs are started. What a page shows as a file (a Python block whose first line is its name) is there.
Measurements are cut short by SHORT, and by what the page itself says in a comment (``tests/support/docs_pages.py``).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edgenas.cli import main
from tests.conftest import ROOT
from tests.support.docs_budgets import FITS, budgets_for, check_inside, left_by
from tests.support.docs_commands import exchanged, replaced
from tests.support.docs_pages import blocks_of, shell_blocks

#: verb -> options under which it measures next to nothing, on a machine that may be busy
SHORT = {
    "profile": "--processes 1 --most-processes 1 --rounds 1 --force",
    "table validate": "--networks 8 --processes 1 --rounds 1 --no-chains --force",
    "search": "--force",
    "ship": "--held-out 12 --train 1 --workers 0 --force",
    "verify": "--processes 1 --most-processes 1 --rounds 1 --force",
    "verify BUNDLE": "--force",
    "verify --sustained": "--force",
    "watch": "--port 0",
}
#: exit codes besides 0: it refuses a machine that is busy; two rounds may not agree with those of before
ALLOWED = {"devices check": {0, 1}, "verify BUNDLE": {0, 1}}
#: verbs that only stories type: their output says what is worth typing next (``tests/edgenas/test_cli_next.py``)
ENDS_WITH_NEXT = {"adapt", "demo", "ship", "train", "watch", "devices enroll", "devices prepare"}


class Reader:
    """Types the commands of pages in ``folder``.

    lab       whether the blocks that need emulated devices are typed too
    more      verb -> options that only this place knows
    words     word of a page -> what it is here, as an address; '' leaves it out
    first     verb -> what a person does before typing it, as training weights
    programs  name -> how to run a program of others that reads a page's words, and what it is given by a pipe
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, lab: bool = False) -> None:
        self.folder, self.lab = folder, lab
        self.more, self.words = dict[str, str](), dict[str, str]()
        self.first = dict[str, Callable[[], None]]()
        self.programs: dict[str, Callable[[list[str], str], str]] = {
            "edgenas": self._edgenas, "export": self._export, "pip": self._pip, "python": self._python,
        }  # fmt: skip
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(folder)
        for name in ("HOME", "XDG_CONFIG_HOME"):
            monkeypatch.setenv(name, str(folder / "home"))
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    def reads(self, page: str) -> list[str]:
        """Type all of it; the commands that these were, as written."""
        for block in blocks_of(page):
            if block.file and "/" not in block.file:
                (self.folder / block.file).write_text(block.text)
        typed = []
        for block in shell_blocks():
            if block.page == page and block.lab <= self.lab:
                for pipeline in block.pipelines():
                    typed.append(" | ".join(shlex.join(words) for words in pipeline))
                    begun = time.monotonic()
                    self.types(pipeline, block.options, f"{block}: {typed[-1]}")
                    print(f"{time.monotonic() - begun:5.1f} s  {typed[-1]}")
        return typed

    def types(self, pipeline: Sequence[Sequence[str]], options: Sequence[str], what: str) -> None:
        said = ""
        for program, *rest in pipeline:
            assert program in self.programs, f"{what}: nothing here runs {program}"
            argv = [str(Path(word).expanduser()) if word.startswith("~") else word for word in rest]
            argv, more = exchanged(argv, options)
            if program == "edgenas":
                argv = replaced(self._shortened(argv), more)
            elif program not in ("pip", "export"):
                end = argv.index("--") if "--" in argv else len(argv)
                argv = [*argv[:end], *more, *argv[end:]]
            argv = [word for word in (self.words.get(word, word) for word in argv) if word]
            try:
                said = self.programs[program](argv, said)
            except AssertionError as error:
                raise AssertionError(f"{what}\nas: {program} {shlex.join(argv)}\n{error}") from error

    def _shortened(self, words: list[str]) -> list[str]:
        verb = self._verb(words)
        return replaced(replaced(words, shlex.split(SHORT.get(verb, ""))), shlex.split(self.more.get(verb, "")))

    def _verb(self, words: Sequence[str]) -> str:
        if words[0] == "verify" and (self.folder / words[1]).is_dir():
            return "verify BUNDLE"
        if words[0] == "verify" and "--sustained" in words:
            return "verify --sustained"
        if words[0] == "verify" and "--images" in words:
            return "verify --images"
        return " ".join(words[: 2 if words[0] in ("table", "devices") else 1])

    def _edgenas(self, words: list[str], given: str) -> str:
        verb = self._verb(words)
        if verb in self.first:
            self.first[verb]()
        if verb == "watch":
            return self._watch(words)
        if FITS in words:
            return self._within_a_budget(words)
        code, out, err = self._ended(words)
        assert code in ALLOWED.get(verb, {0}), f"exit code {code}\n{out}{err}"
        if verb in ENDS_WITH_NEXT and "--governor" not in words:  # which prints a script
            assert re.search(r"^next: +\S", out, re.MULTILINE), out
            assert re.fullmatch(r"answer: +\S.*", out.rstrip().splitlines()[-1]), out
        return out

    def _within_a_budget(self, words: list[str]) -> str:
        """With a budget that nothing keeps, which is refused and leaves nothing; then with one that fits."""
        budgets, before = budgets_for(words, self.folder), left_by(words, self.folder)
        code, out, err = self._ended([f"{budgets.refused:.6g}" if word == FITS else word for word in words])
        assert code == (2 if words[0] == "search" else 1) and re.search(
            r"edgenas: .* (fits|is not inside) [\d.e-]+ ms", err
        ), f"{code}\n{out}{err}"
        assert left_by(words, self.folder) == before
        code, out, err = self._ended([f"{budgets.fits:.6g}" if word == FITS else word for word in words])
        assert code == 0, f"exit code {code}\n{out}{err}"
        check_inside(words, self.folder, float(f"{budgets.fits:.6g}"), out)
        return out

    def _ended(self, words: list[str]) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main(words)
        return int(ended.value.code or 0), out.getvalue(), err.getvalue()

    def apart(self, words: list[str], given: str) -> str:
        """``edgenas`` in a process of its own."""
        return self.runs([sys.executable, "-m", "edgenas", *words])

    def _watch(self, words: list[str]) -> str:
        """Started, looked at, and ended with Ctrl-C."""
        argv = [sys.executable, "-m", "edgenas", *words]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            try:
                with urllib.request.urlopen(url, timeout=120) as answer:
                    page = answer.read().decode()
            finally:
                process.send_signal(signal.SIGINT)
                said = "".join(process.communicate(timeout=60))
        assert "<html" in page and process.returncode == 0, said
        assert re.search(r"^next: +\S", said, re.MULTILINE) and re.search(r"^answer: +\S", said, re.MULTILINE), said
        return said

    def _export(self, words: list[str], given: str) -> str:
        for name, _, value in (word.partition("=") for word in words):
            assert name == "PYTHONPATH", f"nothing here knows {name}"
            self.monkeypatch.setenv(name, str((self.folder / value).resolve()))
            self.monkeypatch.syspath_prepend(str((self.folder / value).resolve()))
        return ""

    def _pip(self, words: list[str], given: str) -> str:
        """pip itself, where everything is installed already: it finds that this package has these extras, and that
        nothing which they need is lacking."""
        said = self.runs([sys.executable, "-m", "pip", "--disable-pip-version-check", *words, "--no-index"])
        assert "does not provide the extra" not in said and "Successfully installed" not in said, said
        return said

    def _python(self, words: list[str], given: str) -> str:
        return self.runs([sys.executable, *words], {"PYTHONPATH": str(ROOT)})

    def runs(self, argv: Sequence[str], environment: dict[str, str] | None = None, given: str = "") -> str:
        """What a program says that ends well."""
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            input=given,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=900,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}"
        return done.stdout


def file_of(page: str, name: str) -> str:
    """The file ``name`` as ``page`` shows it."""
    return next(block.text for block in blocks_of(page) if block.file == name)


def has_what_is_installed(folder: Path) -> None:
    """A virtual environment that has all packages of this one, and its programs."""
    here = Path(sys.executable).parent
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "here.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for name in ("ruff", "mypy"):
        (folder / "bin" / name).symlink_to(here / name)
