"""Commands of the pages held against what there is: verbs, options and their values, programs, extras, modules."""

from __future__ import annotations

import importlib.util
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click

from edgenas.cli import cli
from tests.conftest import ROOT

#: programs of others that pages name
PROGRAMS = {
    "adb",
    "bazel",
    "cat",
    "export",
    "ray",
    "sh",
    "sha256sum",
    "ssh",
    "ssh-keygen",
    "ssh-copy-id",
    "sudo",
    "unzip",
}


def complaint(words: Sequence[str]) -> str:
    """What is wrong with a command, '' where nothing is."""
    program, *rest = words
    if program == "edgenas":
        return edgenas_complaint(rest)
    if program == "pip":
        return _pip_complaint(rest)
    if program in ("python", "python3"):
        return _python_complaint(rest)
    if program.startswith("tools/"):
        return "" if os.access(ROOT / program, os.X_OK) else f"there is no program {program}"
    return "" if program in PROGRAMS else f"{program} is none of {', '.join(sorted(PROGRAMS))}"


def edgenas_complaint(words: Sequence[str]) -> str:
    """The same for what follows ``edgenas``: every option exists and takes the value given, none that is required is
    lacking. Files need not exist."""
    command: click.Command = cli
    ctx = click.Context(cli, info_name="edgenas")
    left = list(words)
    while isinstance(command, click.Group):
        if not left or left[0].startswith("-"):
            return "" if left in (["--help"], ["--version"]) else f"no verb in {' '.join(words)}"
        found = command.get_command(ctx, left.pop(0))
        if found is None:
            return f"no such verb in {' '.join(words)}"
        command, ctx = found, click.Context(found, info_name=found.name, parent=ctx)
    try:
        given, over, _ = command.make_parser(ctx).parse_args(left)
        for param in command.params:
            value = given.get(param.name or "")
            absent = value is None or value == () or type(value).__name__ == "Sentinel"
            if absent and param.required:
                return f"{param.human_readable_name} is lacking in {' '.join(words)}"
            if not absent and not isinstance(param.type, click.Path):
                param.type_cast_value(ctx, value)
    except click.UsageError as error:
        return f"{' '.join(words)}: {error.format_message()}"
    return f"{over} is too much in {' '.join(words)}" if over else ""


def options_of(words: Sequence[str]) -> tuple[str, ...]:
    """The options that the verb of ``words`` (what follows ``edgenas``) has."""
    command: click.Command = cli
    ctx = click.Context(cli)
    left = list(words)
    while isinstance(command, click.Group):
        found = command.get_command(ctx, left.pop(0))
        assert found is not None
        command = found
    return tuple(
        name for param in command.params for name in (*param.opts, *param.secondary_opts) if name.startswith("-")
    )


def exchanged(words: Sequence[str], options: Sequence[str]) -> tuple[list[str], list[str]]:
    """``words`` with others for those that ``options`` begins with, as WORD=OTHER; and the rest of the options."""
    first = next((i for i, option in enumerate(options) if option.startswith("--")), len(options))
    others = dict(option.split("=", 1) for option in options[:first])
    return [others.get(word, word) for word in words], [*options[first:]]


def replaced(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """``words`` (what follows ``edgenas``) with those of ``options`` that the verb has, in the place of what was given
    for them."""
    made, added = [*words], list[str]()
    known = options_of(made)
    for option, *values in _each(options):
        if option not in known:
            continue
        while option in made:
            at = made.index(option)
            del made[at]
            for _ in values:
                if at < len(made) and not made[at].startswith("-"):  # there an option may have been a flag
                    del made[at]
        added += [option, *values]
    end = made.index("--") if "--" in made else len(made)
    return made[:end] + added + made[end:]


def _each(options: Sequence[str]) -> list[list[str]]:
    """Each option with its values."""
    found: list[list[str]] = []
    for word in options:
        if word.startswith("--"):
            found.append([word])
        else:
            found[-1].append(word)
    return found


def _pip_complaint(words: Sequence[str]) -> str:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [name for word in words for name in re.sub(r"^\S*\[(.*)\]$|.*", r"\1", word).split(",") if name]
    unknown = [name for name in named if name not in extras]
    return f"there are no extras {', '.join(unknown)}" if unknown else ""


def _python_complaint(words: Sequence[str]) -> str:
    module, name, rest = (words[0] == "-m"), words[int(words[0] == "-m")], words[1 + int(words[0] == "-m") :]
    if module and name in ("build", "venv", "pytest"):
        return ""
    if module:
        spec = importlib.util.find_spec(name)
        path = Path(spec.origin) if spec and spec.origin else ROOT / "absent"
    else:
        path = ROOT / name
        if "/" not in name:
            return ""  # a file of the reader's own
    if not path.is_file():
        return f"there is no program {name}"
    source = path.read_text(encoding="utf-8")
    unknown = [word for word in rest if word.startswith("--") and f'"{word}"' not in source]
    return f"{name} has no option {', '.join(unknown)}" if unknown else ""
