"""HTML and SVG as trees of elements. Text from files cannot become markup: the serialiser escapes all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element, tostring

#: what an element may hold: elements, text, numbers, nothing, or any of these in sequence
Node = Element | str | int | float | None | Iterable["Node"]


def h(tag: str, *children: Node, **attributes: str | int | float | bool | None) -> Element:
    """Return an element. ``class_`` is class, ``data_x`` is data-x; None and False omit an attribute, True sets it
    without a value."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        key = name.rstrip("_").replace("_", "-")
        made.set(_CAMEL.get(key, key), "" if value is True else _text(value))
    append(made, children)
    return made


def append(parent: Element, node: Node) -> None:
    """Append ``node`` to ``parent``."""
    if node is None:
        return
    if isinstance(node, Element):
        parent.append(node)
    elif isinstance(node, str | int | float):
        text = _text(node)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text
    else:
        for each in node:
            append(parent, each)


def render(root: Element) -> str:
    """Return a tree as HTML text."""
    return tostring(root, encoding="unicode", method="html")


def data_element(identity: str, data: Any) -> Element:
    """Return a script element with ``data`` as JSON, with '<', '>' and '&' escaped, so that its text cannot end the
    element."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return h("script", safe, type="application/json", id=identity)


def number(value: float | None, digits: int = 3) -> str:
    """Format a number with ``digits`` significant digits, None as '–'; with an exponent only from a million on."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1e6:
        return f"{value:.{digits}g}"
    text = f"{value:.{digits}g}"
    return (
        f"{float(text):,.{_decimals(value, digits)}f}" if "e" in text or abs(value) >= 1000 else _padded(value, digits)
    )


def _decimals(value: float, digits: int) -> int:
    from math import floor, log10

    return max(0, digits - 1 - floor(log10(abs(value))))


def _padded(value: float, digits: int) -> str:
    return f"{value:.{_decimals(value, digits)}f}"


def _text(value: str | int | float) -> str:
    """Text with the characters that HTML cannot hold (lone surrogates, control characters) replaced."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(c if c >= " " or c in "\n\t" else "�" for c in text.encode("utf-8", "replace").decode())


_CAMEL = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio", "http-equiv": "http-equiv"}
