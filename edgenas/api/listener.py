"""A listener for programs and notebooks."""

from __future__ import annotations

import sys

from edgenas.base.listener import Listener


class PrintListener(Listener):
    """Listener that prints steps and messages to stderr, and no progress: ``edgenas.ship(...,
    listener=PrintListener())``.
    """

    def step(self, text: str) -> None:
        """Print the name of the step that begins."""
        print(text, file=sys.stderr)

    def message(self, text: str) -> None:
        """Print a message."""
        print(text, file=sys.stderr)
