"""``edgenas devices``: help, and what is refused before any device is asked."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from edgenas.cli import main
from edgenas.cli.devices import VERBS


def here(*args: str) -> int:
    """Run ``edgenas devices ARGS`` in this process; the exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["devices", *args])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help_with_an_example(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert here(verb, "--help") == 0
    shown = capsys.readouterr().out
    assert f"Example:\n    edgenas devices {verb}" in shown
    assert "--json" in shown


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("x",), "give one of --ssh .*, --adb .* and --adb-pair"),
        (("x", "--ssh", "a", "--adb", "b"), "give one of --ssh .*, --adb .* and --adb-pair"),
        (("x", "--ssh", "-oProxyCommand=id"), "not a host"),
        (("x", "--ssh", "pi@a", "--key", "nowhere"), "nowhere: No such file or directory"),
        (("x", "--ssh", "a:b"), r"not \[USER@\]HOST"),
        (("x", "--ssh", "@a"), r"not \[USER@\]HOST"),
        (("x", "--ssh", "a; id"), "not a host"),
        (("x", "--ssh", "[::1"), r"not \[USER@\]HOST|not a host"),
        (("x", "--ssh", "a", "--benchmark-model", "/bin/sh"), "--benchmark-model is for phones"),
        (("x", "--adb", "--jump", "a"), "--jump is for boards"),
        (("x", "--adb", "-s"), "no such option|not an adb serial"),
        (("x", "--adb", "a b"), "not an adb serial"),
        (("x", "--adb", "--benchmark-model", "absent"), "absent: No such file"),
        (("x", "--adb", "--benchmark-model", sys.executable), "is no program for phones: it is built for"),
        (("x", "--adb", "--onnxruntime-perf-test", __file__), "is no program for phones: it begins with"),
        (("x", "--adb", "b", "--adb-pair", "a:1"), "give one of --ssh .*, --adb .* and --adb-pair"),
        (("x", "--adb", "b", "--adb-code", "123456"), "--adb-code is for a phone with wireless debugging"),
        (("x", "--adb-pair", "a:1", "--adb-code", "12345"), "'a:1' and code '12345' are not HOST:PORT and six digits"),
        (("local", "--adb-pair", "a:1", "--adb-code", "123456"), "local is there already"),
        (("local", "--ssh", "a"), "local is there already"),
        (("A", "--ssh", "a"), "device name 'A' must be"),
    ],
)
def test_what_cannot_be_added(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert here("add", *args) == 2
    assert re.search(says, capsys.readouterr().err)
    assert not (tmp_path / "devices.toml").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("facts", "pi"), "no device is called 'pi'; known: local"),
        (("lst",), "no such command 'lst'"),
        (("enroll", "local"), "is of kind local"),
        (("prepare", "local", "--write"), "local is no section"),
        (("prepare", "local", "--runtime", "tf"), "'tf' cannot be installed; there are litert"),
        (("exec", "local"), "ARGV is missing"),
        (("exec", "local", "--timeout-s", "nan", "--", "true"), "--timeout-s nan is not between"),
        (("--inventory", "wrong.toml", "list"), "wrong.toml, line 1: devices.a.host: missing"),
        (("--inventory", "absent.toml", "list"), "absent.toml: No such file"),
    ],
)
def test_misuse(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...],
    says: str,
) -> None:
    (tmp_path / "wrong.toml").write_text("[devices.a]\nkind = 'ssh'\n")
    monkeypatch.chdir(tmp_path)
    assert here(*args) == 2
    assert says in capsys.readouterr().err
