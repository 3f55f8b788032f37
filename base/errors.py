"""Errors that a person can act on.

    EdgenasError            base: caught by the command line, printed as one line
      InputError            a value breaks a rule (exit code 2)
        MissingExtraError   an optional package is not installed (exit code 2)
      OutcomeError          the input was fine, the job did not succeed (exit code 1)

``devices`` imports nothing of ours and keeps its own tree in ``edgenas.devices.base``.
"""

from __future__ import annotations


class EdgenasError(Exception):
    """Base of every error this project raises on purpose."""


class InputError(EdgenasError, ValueError):
    """A value that breaks a rule; the message names the value, the rule and what to do."""


class MissingExtraError(InputError):
    """An optional dependency is absent.

    >>> str(MissingExtraError("torch", "train", "training a network"))
    "training a network needs torch, which is not installed: pip install 'edgenas[train]'"
    """

    def __init__(self, module: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {module}, which is not installed: pip install 'edgenas[{extra}]'")


class OutcomeError(EdgenasError):
    """The job ran and did not succeed, e.g. no network meets the budget."""
