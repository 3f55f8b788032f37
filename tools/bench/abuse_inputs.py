"""Ways to damage a file: each function writes ``path`` from the bytes of a good file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgenas.latency_tables.store.lines import sealed

Damage = Callable[[Path, bytes], None]
_DEEP = 100_000
_HUGE = "1" + "0" * 400


def _missing(path: Path, good: bytes) -> None:
    path.unlink(missing_ok=True)


def _folder(path: Path, good: bytes) -> None:
    path.mkdir()


def _fifo(path: Path, good: bytes) -> None:
    os.mkfifo(path)


def _loop(path: Path, good: bytes) -> None:
    path.symlink_to(path.name)


def _content(make: Callable[[bytes], bytes]) -> Damage:
    def damage(path: Path, good: bytes) -> None:
        path.write_bytes(make(good))

    return damage


def _changed(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """Change the last object of a JSON or JSONL file; a line that was sealed is sealed again."""

    def make(good: bytes) -> bytes:
        text = good.decode()
        before, line = ("", text)
        if not text.startswith(("{\n", "[")) and text.count("\n") > 1:
            before, _, line = text.rstrip("\n").rpartition("\n")
            before += "\n"
        record = json.loads(line)
        was_sealed = isinstance(record, dict) and record.pop("crc32", None) is not None
        made = change(record)
        if was_sealed and isinstance(made, dict):
            made = sealed(made)
        return (before + json.dumps(made).replace('"HUGE"', _HUGE).replace('"INF"', "1e999") + "\n").encode()

    return _content(make)


def _first(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """Change the first object of the file, which has its format and version."""

    def make(good: bytes) -> bytes:
        text = good.decode()
        whole = text.startswith(("{\n", "[")) or text.count("\n") < 2
        line, _, rest = (text, "", "") if whole else text.partition("\n")
        record = json.loads(line)
        return (json.dumps(change(record if isinstance(record, dict) else {})) + "\n" + rest).encode()

    return _content(make)


def _with(value: Any) -> Callable[[Any], Any]:
    """Return a function that replaces every number of an object by ``value``."""

    def put(old: Any) -> Any:
        if isinstance(old, dict):
            return {key: each if key in ("version", "crc32") else put(each) for key, each in old.items()}
        if isinstance(old, list):
            return [put(each) for each in old]
        return value if isinstance(old, (int, float)) and not isinstance(old, bool) else old

    return put


def _wrong(record: dict[str, Any]) -> dict[str, Any]:
    wrong: dict[type, Any] = {str: 5, int: "five", float: [], list: {}, dict: "text", bool: None, type(None): {}}
    return {k: v if k in ("format", "version", "kind") else wrong[type(v)] for k, v in record.items()}


def _surrogate(record: Any) -> Any:
    if isinstance(record, dict):
        return {k: v if k in ("format", "kind") else _surrogate(v) for k, v in record.items()}
    return [_surrogate(each) for each in record] if isinstance(record, list) else "\ud800" if record else record


#: damages of any file
COMMON: dict[str, Damage] = {
    "missing": _missing,
    "empty": _content(lambda good: b""),
    "binary": _content(lambda good: bytes(range(256)) * 40),
    "folder": _folder,
    "fifo": _fifo,
    "loop of links": _loop,
    "truncated": _content(lambda good: good[: 2 * len(good) // 3] + b"\n"),
    "other text": _content(lambda good: b"Dear reader,\n\nthis is no such file.\n"),
    "zeros": _content(lambda good: b"\0" * 5000),
}
#: damages of JSON, and of lines of JSON
JSON: dict[str, Damage] = {
    "a list": _content(lambda good: b"[]\n"),
    "null": _content(lambda good: b"null\n"),
    "a number": _content(lambda good: b"5\n"),
    "an object": _content(lambda good: b"{}\n"),
    "deep": _content(lambda good: b"[" * _DEEP + b"]" * _DEEP + b"\n"),
    "not utf-8": _content(lambda good: good.replace(b'"', b'"\xff', 9)),
    "other format": _first(lambda record: {**record, "format": "another program's"}),
    "version 99": _first(lambda record: {**record, "version": 99}),
    "version of a text": _first(lambda record: {**record, "version": {"a": 1}}),
    "only the head": _first(lambda record: {key: record[key] for key in ("format", "version") if key in record}),
    "NaN": _changed(_with(float("nan"))),
    "huge whole numbers": _changed(_with("HUGE")),
    "infinite numbers": _changed(_with("INF")),
    "negative numbers": _changed(_with(-1)),
    "wrong types": _changed(_wrong),
    "lone surrogates": _changed(_surrogate),
}
#: names that a file with another text has
NAMES: dict[str, bytes] = {"name with newline": b"a\nb", "name not utf-8": b"caf\xe9 \xff", "name of an option": b"-x"}
