"""Help texts: a shared option has one text in all verbs, and no text uses words that were hard to understand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from edgenas.cli import cli
from edgenas.cli.grouped import GroupedCommand

#: options that mean the same in every verb that has them
SHARED = ("--force", "--unvalidated", "--inventory", "--json", "--in-size", "--classes", "--score", "--uncertainty")
UNCLEAR = re.compile(r"Permission to|counts? (as|against)|paid for|all the same|\bbinds\b|Trust in|\btold\b")


def commands(command: click.Command, verb: str = "") -> Iterator[tuple[str, click.Command]]:
    """(verb, command) of every verb."""
    yield verb, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner is not None
            yield from commands(inner, f"{verb} {name}".strip())


ALL = dict(commands(cli))


@pytest.mark.parametrize("option", SHARED)
def test_a_shared_option_has_one_text(option: str) -> None:
    helps = {verb: each.help for verb, command in ALL.items() for each in command.params
             if isinstance(each, click.Option) and option in each.opts}  # fmt: skip
    assert len(helps) > 1
    assert len(set(helps.values())) == 1, helps


@pytest.mark.parametrize("verb", ALL)
def test_help_has_no_unclear_words(verb: str) -> None:
    assert UNCLEAR.search(ALL[verb].get_help(click.Context(ALL[verb], info_name=verb))) is None


def test_all_verbs_stand_in_a_group() -> None:
    text = cli.get_help(click.Context(cli, info_name="edgenas"))
    headings = re.findall(r"^(Start|Measure|Search|Ship|Look):$", text, re.MULTILINE)
    assert headings == ["Start", "Measure", "Search", "Ship", "Look"]
    verbs = re.findall(r"^  ([a-z]+) +[A-Z]", text.partition("Start:")[2], re.MULTILINE)
    assert sorted(verbs) == sorted(cli.list_commands(click.Context(cli)))  # type: ignore[attr-defined]


def test_options_of_long_verbs_stand_in_one_group_each() -> None:
    grouped = {verb: command for verb, command in ALL.items() if isinstance(command, GroupedCommand)}
    assert set(grouped) == {"search", "ship", "profile"}
    for verb, command in grouped.items():
        listed = [name for names in command.groups.values() for name in names]
        options = {each.opts[-1] for each in command.params if isinstance(each, click.Option)}
        assert len(listed) == len(set(listed)) and options - set(listed) == {"--json"}, verb
        assert set(listed) <= options, verb
        text = command.get_help(click.Context(command, info_name=verb))
        assert all(f"{heading}:" in text for heading in command.groups), verb
        assert [name for name in listed if not re.search(rf"^  (-\w, )?{name}\b", text, re.MULTILINE)] == []


@pytest.mark.parametrize("verb", ALL)
def test_help_fits_80_columns(verb: str) -> None:
    context = click.Context(ALL[verb], info_name=f"edgenas {verb}".strip(), terminal_width=80)
    assert [line for line in ALL[verb].get_help(context).split("\n") if len(line) > 80] == []
