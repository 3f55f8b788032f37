"""Group of commands that imports a command's module only when the command is used, so that --help and
Tab answer at once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from edgenas.base.naming import there_are

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Verbs(click.Group):
    """Group of verbs that are loaded when used.

    ``verbs``: name -> (module that holds the verb as ``command``, one line for --help), in the order shown.
    ``groups``: heading -> names of verbs, for ``--help``; without any, all stand under one.
    """

    verbs: Mapping[str, tuple[str, str]] = {}
    groups: Mapping[str, Sequence[str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        command = importlib.import_module(self.verbs[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb of ``args``. UsageError names the nearest verb, since click knows only loaded verbs."""
        if args[0] not in self.verbs and not args[0].startswith("-") and not ctx.resilient_parsing:
            listed = there_are(args[0], self.verbs)
            raise click.UsageError(f"no such command {args[0]!r}; {listed}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        verbs = [CompletionItem(n, help=line) for n, (_, line) in self.verbs.items() if n.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        room = max(map(len, self.verbs), default=0)  # the same for all sections
        for heading, verbs in (self.groups or {"Commands": tuple(self.verbs)}).items():
            with formatter.section(heading):
                formatter.write_dl([(f"{verb:{room}}", self.verbs[verb][1]) for verb in verbs])
