"""Text of accuracies: in percent, or as scores on the judge's own scale."""

from __future__ import annotations


def accuracy_text(value: float, score: bool, digits: int = 2) -> str:
    """Return an accuracy as text with its unit.

    >>> accuracy_text(93.104, False), accuracy_text(-0.41234567, True)
    ('93.10 %', '-0.412346')
    """
    return f"{value:.6g}" if score else f"{value:.{digits}f} %"


def accuracy_number(value: float, score: bool) -> str:
    """Return an accuracy as text for a column whose head (``accuracy_heading``) has the unit.

    >>> accuracy_number(93.104, False), accuracy_number(-0.41234567, True)
    ('93.10', '-0.412346')
    """
    return accuracy_text(value, score).removesuffix(" %")


def accuracy_heading(score: bool, comma: str = "") -> str:
    """Return the heading of a column or axis of accuracies.

    >>> accuracy_heading(False), accuracy_heading(False, ","), accuracy_heading(True)
    ('accuracy %', 'accuracy, %', 'score')
    """
    return "score" if score else f"accuracy{comma} %"
