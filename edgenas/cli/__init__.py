"""The ``edgenas`` command: one file for each verb, loaded when the verb is used.

Results go to stdout, messages and progress to stderr. Exit codes: 0 success, 1 failure, 2 misuse.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from edgenas.cli.repeated import take_repeats
from edgenas.cli.streams import flush_fault, open_closed_streams, tell_fault
from edgenas.cli.verbs import Verbs

#: group -> verb -> (module that holds it, one line for --help)
GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "demo": ("edgenas.cli.demo", "Run every step on this machine in five minutes."),
        "doctor": ("edgenas.cli.doctor", "Check this machine: packages, runtimes, ssh, adb, folders."),
        "completion": ("edgenas.cli.completion", "Print a completion script for bash, zsh or fish."),
    },
    "Measure": {
        "devices": ("edgenas.cli.devices", "Manage boards and phones: add, enroll, check, prepare, list."),
        "profile": ("edgenas.cli.profile", "Measure every block of a space into a latency table."),
        "table": ("edgenas.cli.table", "Show, check, validate, compare and import latency tables."),
    },
    "Search": {
        "spaces": ("edgenas.cli.spaces", "List spaces, their sizes, and which reach a budget."),
        "blocks": ("edgenas.cli.blocks", "List the blocks of a space or of one network."),
        "search": ("edgenas.cli.search", "Find the most accurate network inside a budget."),
        "front": ("edgenas.cli.front", "Compute the accuracy-latency front that a search predicts."),
        "ship": ("edgenas.cli.ship", "Make files inside a latency budget from your images."),
        "adapt": ("edgenas.cli.adapt", "Make a menu of networks to switch between as a device slows."),
    },
    "Ship": {
        "train": ("edgenas.cli.train", "Train one network on your own targets, with your own loss."),
        "export": ("edgenas.cli.export", "Write a network as TFLite and ONNX."),
        "verify": ("edgenas.cli.verify", "Measure files on a device and compare them with a budget."),
        "bundle": ("edgenas.cli.bundle", "Collect everything that ships in one folder, with hashes."),
    },
    "Look": {
        "report": ("edgenas.cli.report", "Write one self-contained HTML page of results."),
        "watch": ("edgenas.cli.watch", "Serve that page while a campaign or a search runs."),
    },
}
VERBS = {verb: held for verbs in GROUPS.values() for verb, held in verbs.items()}
_HEADINGS = {group: tuple(verbs) for group, verbs in GROUPS.items()}

PROGRAM = "edgenas"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class EdgenasVerbs(Verbs):
    verbs = VERBS
    groups = _HEADINGS


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from edgenas.base.version import installed_version

        click.echo(f"edgenas {installed_version()}")
        ctx.exit()


@click.command(PROGRAM, cls=EdgenasVerbs, context_settings=_CONTEXT)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Version of edgenas."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Measure every block of a mobile network on the real device, find the best network inside a latency budget, and
    ship it as TFLite and ONNX files that are measured to be inside the budget.

    \b
    Example: everything on this machine
      edgenas demo
    Example: step by step
      edgenas profile digits -o table.jsonl
      edgenas table validate table.jsonl --space digits
      edgenas search digits --table table.jsonl --budget-ms 0.3 --accuracy digits
      edgenas export search.json -o model
      edgenas verify model/model.tflite --budget-ms 0.3
    """
    take_repeats()  # those of an earlier call in this process
    ctx.call_on_close(_tell_repeats)


def _tell_repeats() -> None:
    again = take_repeats()
    if again:
        click.echo(again, err=True)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 success, 1 failure, 2 misuse."""
    from edgenas.base.errors import EdgenasError, InputError

    words = list(sys.argv[1:] if args is None else args)
    open_closed_streams()
    try:
        code = cli.main(args=words, prog_name=PROGRAM, standalone_mode=False)
        if fault := flush_fault():
            raise fault
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 2
    except click.ClickException as error:
        from edgenas.cli.misuse import misuse

        assert isinstance(cli, Verbs)
        click.echo(f"{PROGRAM}: {misuse(error, cli, words)}", err=True)
        code = 2
    except InputError as error:
        click.echo(f"edgenas: {error}", err=True)
        code = 2
    except EdgenasError as error:
        click.echo(f"edgenas: {error}", err=True)
        code = 1
    except (KeyboardInterrupt, click.Abort) as error:
        from edgenas.cli.continuing import continuing

        click.echo(f"edgenas: interrupted; finished work is kept; to continue: {continuing(words, error)}", err=True)
        code = 1
    except OSError as error:
        tell_fault(error)
        code = 1
    sys.exit(code)
