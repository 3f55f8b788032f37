"""Help texts: a shared option has one text in all verbs, and no text uses words that were hard to understand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from edgenas.cli import cli

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
