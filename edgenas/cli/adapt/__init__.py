"""``edgenas adapt``: menus of networks, one file for each verb, loaded when the verb is used."""

from __future__ import annotations

import click

from edgenas.cli.verbs import Verbs

#: verb -> (module that holds it, one line for --help)
VERBS: dict[str, tuple[str, str]] = {
    "make": ("edgenas.cli.adapt.make", "Make a menu of a search; make may be left out: edgenas adapt search.json."),
    "replay": ("edgenas.cli.adapt.replay", "Replay a trace of frame times, and compare policies on it."),
    "try": ("edgenas.cli.adapt.try_", "Run a menu on a device under a real load."),
}


class AdaptVerbs(Verbs):
    verbs = VERBS

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb of ``args``: 'make' where they begin with a search."""
        return super().resolve_command(ctx, args if args[0] in self.verbs else ["make", *args])


@click.command("adapt", cls=AdaptVerbs, context_settings={"ignore_unknown_options": True})
def command() -> None:
    """Make a menu of networks for a device that gets slower, replay traces of frame times with it, and try it under a
    real load.

    \b
    Example:
      edgenas adapt search.json --budget-ms 30 --images photos --device pi4
      edgenas adapt replay adaptive stairs
      edgenas adapt try adaptive --device pi4 --load cpu:50
    """
