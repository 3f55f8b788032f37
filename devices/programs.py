"""Check that a file is a program that phones can run, by its ELF header or the first line of a script. The program is
not run.
"""

from __future__ import annotations

import struct
from pathlib import Path

from edgenas.base.errors import DeviceInputError
from edgenas.base.text import printable

#: e_machine and class (1: 32 bits, 2: 64 bits) of the processors that phones have
_PHONES = {(183, 2): "arm64", (40, 1): "arm"}
_OTHERS = {3: "x86", 62: "x86-64", 183: "arm64", 40: "arm", 243: "RISC-V", 8: "MIPS"}
_HEADER = 64
_EXECUTABLE, _SHARED = 2, 3
_LOOKS = {
    b"PK\x03\x04": "a zip archive; unpack it and name the program in it",
    b"\x1f\x8b": "a gzip archive; unpack it and name the program in it",
    b"\xcf\xfa\xed\xfe": "a program for macOS or iOS",
    b"MZ": "a program for Windows",
    b"<": "a web page, which a browser saved in place of the program",
}


def phone_processor(path: Path) -> str:
    """Return the processor that the program at ``path`` was built for: 'arm64' or 'arm', or 'script' for a script.

    DeviceInputError where the file cannot be read, is no program, or is one for other processors.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError as error:
        raise DeviceInputError(f"{path}: {error.strerror or error}; name the program to use") from error
    if head.startswith(b"#!"):
        return "script"
    fault = "it is cut off within its header" if head.startswith(b"\x7fELF") else _fault(head)
    if head.startswith(b"\x7fELF") and len(head) == _HEADER:
        machine, fault = _elf(head)
        if not fault:
            return machine
    raise DeviceInputError(f"{path} is no program for phones: {fault}; get the build for android_arm64, and name it")


def _elf(head: bytes) -> tuple[str, str]:
    """Return (processor, fault) of an ELF header, one of them ''."""
    bits, little = head[4], head[5] == 1
    kind, machine = struct.unpack_from("<HH" if little else ">HH", head, 16)
    start = struct.unpack_from("<Q" if bits == 2 else "<I", head, 24)[0]
    name = _PHONES.get((machine, bits)) if little else None
    if name is None:
        built = _OTHERS.get(machine, f"processors of ELF machine {machine}")
        return "", f"it is built for {built}, and phones have arm64 or arm"
    if kind not in (_EXECUTABLE, _SHARED):
        return "", f"it is an ELF file of type {kind}, such as an object file, not an executable"
    if kind == _SHARED and start == 0:
        return "", "it is a shared library, not an executable"
    return name, ""


def _fault(head: bytes) -> str:
    """Return what a file that is neither ELF nor a script looks like."""
    if not head:
        return "it is empty"
    for begin, what in _LOOKS.items():
        if head.lstrip().startswith(begin):
            return f"it looks like {what}"
    return f"it begins with {printable(head[:24].decode(errors='replace'), 24)!r}, not with an ELF header"
