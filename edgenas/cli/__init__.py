"""The ``edgenas`` command: one file a verb, loaded when the verb is used.

stdout is data, stderr is talk. Exit codes: 0 done, 1 did not succeed, 2 misuse.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from edgenas.cli.verbs import Verbs

#: verb -> (module that holds it, one line for --help)
VERBS: dict[str, tuple[str, str]] = {
    "spaces": ("edgenas.cli.spaces", "List the spaces a search may choose from."),
    "blocks": ("edgenas.cli.blocks", "List the blocks of a space or of one network."),
    "devices": ("edgenas.cli.devices", "Boards and phones: add, enroll, check, prepare, list."),
    "profile": ("edgenas.cli.profile", "Measure every block of a space on a device: a latency table."),
    "table": ("edgenas.cli.table", "Show a latency table, or check what it lacks."),
    "search": ("edgenas.cli.search", "Find the most accurate network inside a budget."),
    "front": ("edgenas.cli.front", "The exact accuracy-latency front that a search's estimates predict."),
    "export": ("edgenas.cli.export", "Write a network as TFLite and ONNX."),
    "verify": ("edgenas.cli.verify", "Time exported models on a device and hold them against a budget."),
    "ship": ("edgenas.cli.ship", "From your pictures to files inside a budget on your device, in one command."),
    "bundle": ("edgenas.cli.bundle", "Everything that ships of a run, in one folder that proves itself."),
    "report": ("edgenas.cli.report", "One self-contained HTML page of what was measured and found."),
    "watch": ("edgenas.cli.watch", "The same page, served to this machine while a campaign or a search runs."),
    "doctor": ("edgenas.cli.doctor", "What is installed here, what runs, and what to do about what does not."),
    "completion": ("edgenas.cli.completion", "A script that completes what you type, for bash, zsh or fish."),
    "demo": ("edgenas.cli.demo", "The whole story on this machine in five minutes."),
}


PROGRAM = "edgenas"


class EdgenasVerbs(Verbs):
    verbs = VERBS


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from edgenas.base.version import installed_version

        click.echo(f"edgenas {installed_version()}")
        ctx.exit()


@click.command(cls=EdgenasVerbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="The version."
)
def cli() -> None:
    """Measure every block of a mobile network on the real device, find the best network inside a latency budget, and
    ship it as TFLite and ONNX with proof that it fits.

    \b
    Example: everything on this machine
      edgenas demo
    Example: step by step
      edgenas profile nas_bench_macro --runtime litert -o table.jsonl
      edgenas search nas_bench_macro --table table.jsonl --budget-ms 2 --accuracy my_package:judge -o search.json
      edgenas export search.json -o model
      edgenas verify model/model.tflite --budget-ms 2
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 did not succeed, 2 misuse."""
    from edgenas.base.errors import EdgenasError, InputError

    try:
        code = cli.main(args=None if args is None else list(args), prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 2
    except click.ClickException as error:
        error.show()
        code = 2
    except InputError as error:
        click.echo(f"edgenas: {error}", err=True)
        code = 2
    except EdgenasError as error:
        click.echo(f"edgenas: {error}", err=True)
        code = 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("edgenas: interrupted; what was finished is kept, the same command continues", err=True)
        code = 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to flush
        code = 1
    sys.exit(code)
