"""Code of the user's own: every way to name it, what is answered where it is wrong, and what is kept of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgenas.base.code import check_same
from edgenas.base.errors import InputError
from edgenas.base.naming import nearest, there_are
from edgenas.base.plugins import GROUPS, find
from edgenas.base.reloading import reloaded

KNOWN = {"tiny": 1, "small": 2}


def found(text: str, folder: Path | None = None) -> object:
    return find(text, KNOWN, "space", GROUPS["space"], folder).value


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def install(folder: Path, group: str, entries: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with entry points, as pip installs one."""
    write(folder, "site/mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    write(folder, "site/mine-1.0.dist-info/entry_points.txt", f"[{group}]\n{entries}\n")
    monkeypatch.syspath_prepend(str(folder / "site"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mine.py", "mine.py:value"),
        ("mine.py", "./mine.py:value"),
        ("deep/er/mine.py", "deep/er/mine.py:value"),
        ("my file.py", "my file.py:value"),
        ("a: b/c:d.py", "a: b/c:d.py:value"),
        ("1-more.thing.py", "1-more.thing.py:value"),
        ("search.py", "search.py:value"),
        ("json.py", "json.py:value"),
        ("pkg_in_cwd/mod.py", "pkg_in_cwd.mod:value"),
        ("pkg_in_cwd/__init__.py", "pkg_in_cwd:value"),
        ("lone_in_cwd.py", "lone_in_cwd:value"),
    ],
)
def test_every_way_to_name_a_file(name: str, text: str, here: Path) -> None:
    write(here, name, "value = [40 + 2]")
    path, modules = list(sys.path), set(sys.modules)
    found_now = find(text, KNOWN, "space", GROUPS["space"])
    assert found_now.value == [42] and found_now.code is not None and found_now.code.text == text
    assert found_now.value is found(text), "a file is executed once"
    assert sys.path == path
    assert all(name.startswith("edgenas_own_") for name in set(sys.modules) - modules)


def test_an_absolute_path_and_one_from_another_folder(here: Path) -> None:
    path = write(here, "inner/mine.py", "value = 7")
    assert found(f"{path}:value") == found("mine.py:value", here / "inner") == 7


def test_names_that_ship_come_first_and_entry_points_then(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, "site/mine_installed.py", "class Holder:\n    value = 9\nvalue = 8\n")
    entries = "tiny = mine_installed:value\nnew = mine_installed:value\ninner = mine_installed:Holder.value"
    install(here, "edgenas.spaces", entries, monkeypatch)
    assert (found("tiny"), found("new"), found("inner")) == (1, 8, 9)
    code = find("new", KNOWN, "space", GROUPS["space"]).code
    assert code is not None and code.text == "new" and len(code.sha256) == 64
    assert reloaded(code, "space") == 8
    with pytest.raises(InputError, match=r"no space 'mew'; did you mean 'new'\? There are tiny, small, inner, new;"):
        found("mew")


def test_an_entry_point_that_fails_names_its_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(here, "edgenas.spaces", "new = not_there_at_all:value", monkeypatch)
    with pytest.raises(InputError, match=r"not_there_at_all:value \(entry point 'new' of mine\): No module named"):
        found("new")


@pytest.mark.parametrize(
    ("content", "text", "says"),
    [
        ("", "tinny", r"no space 'tinny'; did you mean 'tiny'\? There are tiny, small; one of your own is FILE"),
        ("", "nothing-like-it", r"no space 'nothing-like-it'; there are tiny, small; one of your own"),
        ("one = 1\ndef two(): ...\nclass Three: ...\n_no = 0", "mine.py:tow",
         r"^mine.py has no `tow`; it defines one, two, Three; did you mean `two`\?$"),
        ("import os\n_hidden = 1", "mine.py:x", r"^mine.py has no `x`; it defines nothing$"),
        ("one = 1\ntwo, (three, _) = 1, (2, 3)", "mine.py", r"write mine.py:NAME; it defines one, two, three$"),
        ("def broken(:\n", "mine.py:x", r"^mine.py, line 1: not Python: "),
        ("x = 1\n\0", "mine.py:x", r"mine.py.*not Python|mine.py.*null bytes"),
        ("a = 1\nb = 1 / 0\n", "mine.py:a", r"^mine.py, line 2: ZeroDivisionError: division by zero \(raised when"),
        ("def f():\n    raise KeyError('k')\nf()\n", "mine.py:f", r"^mine.py, line 2: KeyError: 'k'"),
        ("import sys\n\nsys.exit(3)\n", "mine.py:a", r"^mine.py, line 3 ends the program \(sys.exit\(3\)\).*__main__"),
        ("import no_such_package_here\n", "mine.py:a", r"^mine.py, line 1: No module named 'no_such_package_here'"),
        ("", "minne.py:a", r"^minne.py: no such file in .*; did you mean 'mine.py'\?"),
        ("", "no/where.py:a", r"^no/where.py: no such file in "),
        ("", "no_such_module_here:a", r"no module 'no_such_module_here': install it, run .* FILE.py:NAME"),
        ("", "mine.py:", r"does not read FILE.py:NAME or PACKAGE.MODULE:NAME"),
        ("", ":mine", r"does not read FILE.py:NAME"),
        ("", "mine.py:a.b", r"does not read FILE.py:NAME"),
        ("", "my-module:a", r"'my-module' is neither a file that ends in .py nor a module's name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(content: str, text: str, says: str, here: Path) -> None:
    write(here, "mine.py", content)
    with pytest.raises(InputError, match=says) as caught:
        found(text)
    assert "\n" not in str(caught.value)


def test_a_file_that_failed_is_read_again(here: Path) -> None:
    path = write(here, "mine.py", "value = 1 / 0")
    with pytest.raises(InputError, match="ZeroDivisionError"):
        found("mine.py:value")
    path.write_text("value = 5")
    assert found("mine.py:value") == 5
    path.write_text("value = 6")
    assert found("mine.py:value") == 6


HELPED = """
import helpers_of_mine
from package_of_mine import first, inner
from package_of_mine.inner import second as two
def value():
    from later_of_mine import third
    return helpers_of_mine.zero, first, two, third, inner.__name__.partition(".")[2]
"""


def helped(folder: Path, offset: int) -> None:
    write(folder, "mine.py", HELPED)
    write(folder, "helpers_of_mine.py", f"import json\nzero = {offset}")
    write(folder, "package_of_mine/__init__.py", f"first = {offset + 1}")
    write(folder, "package_of_mine/inner.py", f"from . import first\nfrom .deep.er import more\nsecond = {offset + 2}")
    write(folder, "package_of_mine/deep/er.py", "more = 1")
    write(folder, "later_of_mine.py", f"third = {offset + 3}")
    write(folder, "unused.py", "raise ValueError")


def test_files_beside_are_imported_also_later_and_each_folder_has_its_own(here: Path) -> None:
    helped(here / "a", 0)
    helped(here / "b", 10)
    first, second = found("a/mine.py:value"), found("b/mine.py:value")
    assert callable(first) and callable(second)
    assert second() == (10, 11, 12, 13, "package_of_mine.inner")
    assert first() == (0, 1, 2, 3, "package_of_mine.inner")
    assert "helpers_of_mine" not in sys.modules


def test_names_of_edgenas_and_of_the_standard_library_mean_those(here: Path) -> None:
    write(
        here,
        "mine.py",
        "import json\nimport edgenas.search.space\nfrom edgenas.blocks.spec import BlockSpec\nvalue = json, BlockSpec",
    )
    for name in ("json", "search", "blocks"):
        write(here, f"{name}.py", "raise ValueError('this one')")
    import json

    from edgenas.blocks.spec import BlockSpec

    assert found("mine.py:value") == (json, BlockSpec)


def test_a_folder_without_init_gives_way_to_what_is_installed(here: Path) -> None:
    (here / "numpy").mkdir()
    write(here, "space_of_names/part.py", "value = 3")
    write(here, "mine.py", "import numpy\nfrom space_of_names import part\nvalue = numpy.int64(part.value)")
    assert found("mine.py:value") == 3


def test_what_a_file_prints_is_no_result(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "mine.py", "print('loading')\nvalue = 1")
    assert found("mine.py:value") == 1
    assert capsys.readouterr() == ("", "loading\n")


def test_the_code_is_the_file_and_what_it_imports(here: Path) -> None:
    helped(here, 0)
    code = find("mine.py:value", KNOWN, "space", GROUPS["space"]).code
    assert code is not None
    beside = ["helpers_of_mine.py", "later_of_mine.py", "package_of_mine/__init__.py", "package_of_mine/deep/er.py",
              "package_of_mine/inner.py"]  # fmt: skip
    assert [name for name, _ in code.beside] == beside
    check_same("x.json", "space", code.as_dict(), code, "again")
    check_same("x.json", "space", None, code, "again")
    for name in ("mine.py", *beside):
        text = (here / name).read_text()
        (here / name).write_text(f"{text}\n# changed\n")
        now = find("mine.py:value", KNOWN, "space", GROUPS["space"]).code
        with pytest.raises(InputError, match=rf"x.json was made with another {name} .*mixed: again"):
            check_same("x.json", "space", code.as_dict(), now, "again")
        (here / name).write_text(text)
    (here / "unused.py").write_text("")
    check_same("x.json", "space", code.as_dict(), find("mine.py:value", KNOWN, "space", GROUPS["space"]).code, "again")


@pytest.mark.parametrize("text", ["mine.py:value", "package_here.mine:value"])
def test_code_travels_by_its_files(text: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helped(here if "/" not in text and text.startswith("mine") else here / "package_here", 0)
    if text.startswith("package"):
        for name in ("helpers_of_mine.py", "later_of_mine.py", "package_of_mine"):
            (here / "package_here" / name).rename(here / name)
    code = find(text, KNOWN, "space", GROUPS["space"]).code
    assert code is not None and code.files is not None
    assert reloaded(code, "space")()[:4] == (0, 1, 2, 3)
    helper = here / "helpers_of_mine.py"
    before = helper.read_text()
    helper.write_text("zero = 100")
    with pytest.raises(InputError, match="changed while it was in use"):
        reloaded(code, "space")
    helper.write_text(before)
    moved = here.with_name(here.name + "-moved")
    here.rename(moved)
    elsewhere = here.with_name(here.name + "-elsewhere")
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert reloaded(code, "space")()[:4] == (0, 1, 2, 3), "from a copy, where the file is not"
    assert list(elsewhere.iterdir()) == []


def test_the_nearest_name() -> None:
    assert nearest("MobileNet_v2", ["mobilenet_v2", "mobilenet_v3"]) == "mobilenet_v2"
    assert nearest("zzz", ["mobilenet_v2"]) is None
    assert there_are("x", []) == "there are none"
