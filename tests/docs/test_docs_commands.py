"""Every command that a page shows exists as it is written: verb, options, their values, extras, modules, programs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from edgenas.latency_tables.imported import FORMAT as IMPORTED
from tests.conftest import ROOT
from tests.edgenas.test_runs import KINDS
from tests.support.docs_commands import complaint, edgenas_complaint, exchanged, options_of, replaced
from tests.support.docs_pages import PAGES, SHELL, Block, blocks_of, prose_of, shell_blocks, spans_of, text_of

#: no commands, but what files begin with
FORMATS = {"edgenas latency table", IMPORTED, *KINDS}

pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize("block", shell_blocks(), ids=str)
def test_every_command_is_one(block: Block) -> None:
    commands = block.commands()
    assert commands
    assert [found for words in commands if (found := complaint(words))] == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_text_are_some_too(page: str) -> None:
    """Those in backquotes, unless they leave something out or give a choice."""
    for span in spans_of(page):
        verb, *rest = span.split()
        if span in FORMATS or any(mark in span for mark in ("…", "...", "|")):
            continue
        if verb == "edgenas" and rest:
            words = [word for word in rest if word != "VERB"]
            assert not _wrong(words), f"{page}: `{span}`: {_wrong(words)}"
        elif span.startswith(("python -m tools.", "python tools/")):
            assert not complaint(span.split()), f"{page}: `{span}`"


BENCHES = sorted({span for page in PAGES for span in spans_of(page) if re.match(r"python (-m tools\.|tools/)", span)})


@pytest.mark.slow
@pytest.mark.parametrize("span", BENCHES)
def test_programs_named_in_the_text_start_and_have_those_options(span: str) -> None:
    words = span.split()[1:]
    program = words[: 1 + (words[0] == "-m")]
    told = subprocess.run([sys.executable, *program, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    assert [word for word in words if word.startswith("--") and word not in told.stdout] == []


def _wrong(words: list[str]) -> str:
    """A sentence may leave out what a command cannot do without."""
    found = edgenas_complaint(words)
    return "" if " is lacking in " in found or found.startswith("no verb in") else found


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_of_sh(page: str) -> None:
    """So that none is missed by the tests that run them."""
    assert re.findall(r"^ {4,}edgenas .*", prose_of(page), re.MULTILINE) == []
    odd = [str(b) for b in blocks_of(page) if b.language not in SHELL and re.search("^edgenas ", b.text, re.MULTILINE)]
    assert odd == []
    assert all(block.language for block in blocks_of(page)), "a block that says no language"


@pytest.mark.parametrize("page", PAGES)
def test_what_is_said_to_tests_is_understood(page: str) -> None:
    """Each comment to them stands before a block of commands, and every option in it is one of a verb there."""
    asked = [block for block in blocks_of(page) if block.lab or block.options]
    assert text_of(page).count("<!-- test:") == len(asked)
    for block in asked:
        assert block.language in SHELL, block
        known = {option for words in block.commands() if words[0] == "edgenas" for option in options_of(words[1:])}
        own = all(words[0] == "edgenas" for words in block.commands())
        others = [option for option in block.options if option.startswith("--") and option not in known]
        assert not own or others == [], f"{block}: no verb there has {others}"


@pytest.mark.parametrize("page", PAGES)
def test_python_and_toml_are_well_formed(page: str) -> None:
    import tomllib

    for block in blocks_of(page):
        if block.language == "python" and block.file:
            compile(block.text, str(block), "exec", dont_inherit=True)
        elif block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("profil x", "no such verb"),
        ("profile x --rouns 2", "--rouns"),
        ("profile x --rounds two", "two"),
        ("export a --format tflit", "tflit"),
        ("table diff one", "is lacking"),
        ("table show one two", "too much"),
        ("search x", "accuracy is lacking"),
        ("devices", "no verb"),
    ],
)
def test_a_wrong_command_is_found(text: str, says: str) -> None:
    assert says in edgenas_complaint(text.split())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pip install 'edgenas[trian]'", "trian"),
        ("python -m tools.bench.absent", "tools.bench.absent"),
        ("python -m tools.bench.faults --sed 3", "--sed"),
        ("tools/chekc", "tools/chekc"),
        ("curl x", "curl"),
    ],
)
def test_a_wrong_program_is_found(text: str, says: str) -> None:
    assert says in complaint(text.replace("'", "").split())


def test_words_and_options_in_the_place_of_others() -> None:
    words, options = exchanged(["big", "8", "bigger"], ["big=small", "8=9=3", "--rounds", "8"])
    assert (words, options) == (["small", "9=3", "bigger"], ["--rounds", "8"])
    words = ["search", "big", "--table", "t", "--budget-ms", "2", "--budget-ms", "3", "--accuracy", "a:b"]
    made = replaced(words, ["--budget-ms", "9", "--rounds", "1", "--force"])
    flag = replaced(["devices", "add", "--adb", "--key", "k"], ["--adb", "A"])
    assert flag[2:] == ["--key", "k", "--adb", "A"]
    assert made == ["search", "big", "--table", "t", "--accuracy", "a:b", "--budget-ms", "9", "--force"]
