"""Suggestions for a name that does not exist: the nearest known name and the list of known names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to ``name`` (Ratcliff and Obershelp similarity, at least 0.6), or None.

    >>> nearest("mobilenet_v3_smal", ["mobilenet_v2", "mobilenet_v3_small"])
    'mobilenet_v3_small'
    """
    folded = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name[:200].lower(), folded, n=1)
    return folded[close[0]] if close else None


def there_are(name: str, known: Iterable[str], so: str = "there are") -> str:
    """Return a text with the known names, preceded by the nearest to ``name`` where there is one.

    ``so`` is the beginning of the list.

    >>> there_are("pi5", ["local", "pi4"], "known:")
    "did you mean 'pi4'? Known: local, pi4"
    >>> there_are("lite", ["fp32", "int8"])
    'there are fp32, int8'
    """
    names = list(known)
    close = nearest(name, names)
    listed = f"{so} {', '.join(names) or 'none'}"
    return listed if close is None else f"did you mean {close!r}? {listed[:1].upper()}{listed[1:]}"


def among(name: str, known: Iterable[str]) -> str:
    """Return a text with the known names, followed by the nearest to ``name`` where there is one.

    It continues a message such as 'X is not one of ...'.

    >>> among("medain", ["min", "median", "p90"])
    "min, median, p90; did you mean 'median'?"
    """
    names = list(known)
    close = nearest(name, names)
    return ", ".join(names) + (f"; did you mean {close!r}?" if close else "")
