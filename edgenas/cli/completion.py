"""The command ``edgenas completion``."""

from __future__ import annotations

import sys

import click

from edgenas.cli.terminal import json_option, print_json, talk

#: shell -> (file that it reads at its start, line to write into that file)
SHELLS = {
    "bash": ("~/.bashrc", 'eval "$(edgenas completion bash)"'),
    "zsh": ("~/.zshrc", 'eval "$(edgenas completion zsh)"'),
    "fish": ("~/.config/fish/completions/edgenas.fish", "edgenas completion fish | source"),
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@json_option
def command(shell: str, as_json: bool) -> None:
    """Print a completion script for SHELL. It completes words after edgenas: verbs, options, spaces, algorithms,
    runtimes, devices and pools of the inventory, latency tables.

    To load it in every shell, write one of these lines into the file that the shell reads at its start, such as
    ~/.bashrc, ~/.zshrc and ~/.config/fish/completions/edgenas.fish:

    \b
      eval "$(edgenas completion bash)"
      eval "$(edgenas completion zsh)"
      edgenas completion fish | source

    \b
    Example:
      edgenas completion bash > edgenas.bash
    """
    from click.shell_completion import get_completion_class

    from edgenas.cli import PROGRAM, cli

    chosen = get_completion_class(shell)
    assert chosen is not None
    script = chosen(cli, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source()
    file, line = SHELLS[shell]
    if as_json:
        print_json({"shell": shell, "script": script, "file": file, "line": line})
        return
    click.echo(script)
    if sys.stdout.isatty():
        talk(f"to load it in every shell, write this line into {file}: {line}")
