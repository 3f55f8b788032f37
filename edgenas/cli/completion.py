"""``edgenas completion``"""

from __future__ import annotations

import sys

import click

from edgenas.cli.terminal import json_option, print_json, talk

#: shell -> (file that it reads when it starts, line to write there)
SHELLS = {
    "bash": ("~/.bashrc", 'eval "$(edgenas completion bash)"'),
    "zsh": ("~/.zshrc", 'eval "$(edgenas completion zsh)"'),
    "fish": ("~/.config/fish/completions/edgenas.fish", "edgenas completion fish | source"),
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@json_option
def command(shell: str, as_json: bool) -> None:
    """A script for SHELL that completes what is typed after edgenas: verbs, options, spaces, algorithms, runtimes,
    devices and pools of the inventory, latency tables.

    To have it in every shell, write one of these into the file that the shell reads when it starts, such as ~/.bashrc,
    ~/.zshrc and ~/.config/fish/completions/edgenas.fish:

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
        talk(f"to have it in every shell, write into {file}: {line}")
