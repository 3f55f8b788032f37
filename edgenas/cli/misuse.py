"""Messages for options and arguments that click refuses, in the form of all other errors."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from edgenas.base.naming import nearest
from edgenas.cli.verbs import Verbs


def misuse(error: click.ClickException, verbs: Verbs, words: Sequence[str]) -> str:
    """Return the message for ``error``: the value, the rule, and the command that shows what is possible.

    ``verbs`` is the program, and ``words`` the arguments that it was called with.
    """
    if isinstance(error, click.NoSuchOption):
        what = _unknown_option(error)
    elif isinstance(error, click.MissingParameter) and error.param is not None:
        what = f"{_name(error.param)} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        what = f"{_name(error.param)}: {_with_nearest(error)}"
    else:
        what = error.format_message()
        what = what[:1].lower() + what[1:]
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    path = _path(verbs, words) if ctx is None else ctx.command_path
    if what.endswith("?"):
        return f"{what} For help: {path} --help"
    return f"{what.rstrip('.')}; for help: {path} --help"


def _name(param: click.Parameter) -> str:
    return param.opts[-1] if isinstance(param, click.Option) else param.human_readable_name


def _unknown_option(error: click.NoSuchOption) -> str:
    params = [] if error.ctx is None else error.ctx.command.get_params(error.ctx)
    known = [name for each in params for name in (*each.opts, *each.secondary_opts) if isinstance(each, click.Option)]
    close = nearest(error.option_name, known)
    return f"no such option {error.option_name!r}" + (f"; did you mean {close!r}?" if close else "")


def _with_nearest(error: click.BadParameter) -> str:
    """Return the message, with the nearest of the values that the option takes."""
    message = error.message.rstrip(".")
    refused = re.match("'(.*?)' is not one of ", message)
    if refused is None or error.param is None or not isinstance(error.param.type, click.Choice):
        return message
    close = nearest(refused[1], map(str, error.param.type.choices))
    return message + (f"; did you mean {close!r}?" if close else "")


def _path(verbs: Verbs, words: Sequence[str]) -> str:
    """Return the verb in ``words`` after the name of the program, for an error that does not know its own."""
    command: click.Command | None = verbs
    path = verbs.name or ""
    for word in words:
        if not isinstance(command, Verbs) or word not in command.verbs:
            break
        command, path = command.get_command(click.Context(command), word), f"{path} {word}"
    return path
