"""Reader of ``--set ALGORITHM.OPTION=VALUE``: options of algorithms and of trainings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.naming import there_are


def settings_of(
    algorithms: tuple[str, ...], settings: tuple[str, ...], accuracy: str, winner: bool = False
) -> dict[str, dict[str, Any]]:
    """Return algorithm, or way of training, -> its options, from texts ALGORITHM.OPTION=VALUE.

    With ``winner``, options of the winner's training are accepted as well. InputError for unknown names and values.
    """
    from edgenas.api.judge import known_options

    return settings_for(known_options(algorithms, accuracy, winner), settings)


def settings_for(every: Mapping[str, Mapping[str, Any]], settings: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the options of each name in ``every`` (name -> options with their defaults), from texts
    NAME.OPTION=VALUE."""
    options: dict[str, dict[str, Any]] = {name: {} for name in every}
    for text in settings:
        target, equals, value = text.partition("=")
        name, dot, option = target.rpartition(".")  # the name may be my_algorithm.py:NAME
        if not (equals and dot) or name not in options:
            raise InputError(
                f"--set {text!r} is not ALGORITHM.OPTION=VALUE for one of {', '.join(options)}, "
                f"such as {'train.epochs=20' if [*every] == ['train'] else 'hybrid.buckets=20'}"
            )
        known = every[name]
        if option not in known:
            raise InputError(f"--set {text!r}: {name} has no option {option!r}; {there_are(option, known, 'it has')}")
        options[name][option] = _typed(text, value, known[option])
    return options


def _typed(text: str, value: str, default: Any) -> Any:
    """Convert ``value`` to the type of the option's default (to a number where the default is None)."""
    try:
        if isinstance(default, str):
            return value
        if isinstance(default, bool):
            return {"true": True, "false": False}[value]
        return int(value) if isinstance(default, int) else float(value)
    except (ValueError, KeyError):
        kind = "true or false" if isinstance(default, bool) else "a whole number"
        kind = kind if isinstance(default, int) else "a number"
        example = f"--set {text.partition('=')[0]}={1 if default is None else str(default).lower()}"
        raise InputError(f"--set {text!r}: {value!r} is not {kind}, as in {example}") from None
