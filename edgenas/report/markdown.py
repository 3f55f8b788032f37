"""Text and numbers in the Markdown of the model card."""

from __future__ import annotations

import re
from collections.abc import Sequence


def escaped(text: str) -> str:
    """Text with the special characters of Markdown and HTML escaped."""
    return re.sub(r"([|\\`*_<>\[\]])", r"\\\1", text)


def numbers_text(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def number_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def interval_text(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.4g} .. {high:.4g}"
