"""Reading of YAML with one structure: a mapping from texts to mappings from texts to texts.

The file is read event by event. No object is constructed: scalars stay texts, and tags and types have no effect. Any
other structure is refused, aliases and deeper nesting included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

MAX_CHARACTERS = 16_000_000
_SHAPE = "a table is a mapping of entries that read BLOCK: {count: 20, mean: 1.25, std: 0.03}"


def entries(text: str) -> list[tuple[int, str, dict[str, str]]]:
    """Return (line, key, fields) of each entry, in order; InputError names the line of another structure or of a
    repeated key."""
    import yaml

    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the file has {len(text):,} characters, more than {MAX_CHARACTERS:,}: no table of blocks has")
    try:
        return list(_entries(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))))
    except yaml.YAMLError as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())[:200]}") from error


def _entries(events: Iterator[yaml.Event]) -> Iterator[tuple[int, str, dict[str, str]]]:
    from yaml import DocumentStartEvent, MappingEndEvent, MappingStartEvent, StreamEndEvent

    next(events)  # the stream's start
    _expect(next(events), DocumentStartEvent)
    _expect(next(events), MappingStartEvent)
    seen = set()
    while not isinstance(event := next(events), MappingEndEvent):
        key, line = _scalar(event), _line(event)
        if key in seen:
            raise InputError(f"line {line}: {key[:120]} is given twice")
        seen.add(key)
        _expect(next(events), MappingStartEvent)
        fields: dict[str, str] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            name = _scalar(event)
            if name in fields:
                raise InputError(f"line {_line(event)}: {name[:120]} is given twice")
            fields[name] = _scalar(next(events))
        yield line, key, fields
    next(events)  # the document's end
    _expect(next(events), StreamEndEvent)


def _scalar(event: yaml.Event) -> str:
    from yaml import ScalarEvent

    _expect(event, ScalarEvent)
    assert isinstance(event, ScalarEvent)
    return event.value


def _expect(event: yaml.Event, kind: type[yaml.Event]) -> None:
    if not isinstance(event, kind):
        found = type(event).__name__.removesuffix("Event")
        raise InputError(f"line {_line(event)}: {_SHAPE}, but here is a YAML {found}")


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1
