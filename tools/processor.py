"""Description of this machine's processor, and the variables that limit a program to the instructions of an older one.

    python -m tools.processor                      # AMD EPYC, with avx2 avx512 vnni
    python -m tools.processor --newer              # exit code 0 where it has more than AVX2, which can be withheld
    python -m tools.processor --older COMMAND ...  # runs COMMAND with torch held to AVX2

torch chooses its kernels by the processor, so that a test which passes with AVX-512 may fail with AVX2. ``OLDER`` has
torch and its oneDNN choose as on a processor with AVX2 and nothing newer. LiteRT and ONNX Runtime have no such
variable: they take what the processor has.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection
from pathlib import Path

from edgenas.devices.facts.cpuinfo import parse_cpuinfo

#: environment variables of oneDNN ("CPU Dispatcher Control" in its guide) and of torch (ATen/native/DispatchStub.cpp)
OLDER = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
#: name -> instruction sets of ``edgenas.devices.facts.int8_products``, of which one is enough
FEATURES = {"avx2": {"avx2"}, "avx512": {"avx512"}, "vnni": {"avx512-vnni", "avx-vnni"}}


def features(text: str) -> tuple[str, ...]:
    """Return the members of ``FEATURES`` that every processor of /proc/cpuinfo has; none on processors not of x86."""
    sets = set((parse_cpuinfo(text).int8_isa or "").split())
    return tuple(name for name, any_of in FEATURES.items() if any_of & sets)


def described(name: str | None, found: Collection[str]) -> str:
    """Return a processor as one line of text: 'AMD EPYC, with avx2, without avx512 vnni'."""
    has, lacks = ([f for f in FEATURES if (f in found) is there] for there in (True, False))
    parts = [f"{word} {' '.join(names)}" for word, names in (("with", has), ("without", lacks)) if names]
    return ", ".join([name or "unnamed processor", *parts])


def here() -> str:
    """Return the description of this machine's processor."""
    text = _cpuinfo()
    return described(parse_cpuinfo(text).cpu, features(text))


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--newer", action="store_true")
    asked.add_argument("--older", nargs=argparse.REMAINDER, metavar="COMMAND")
    args = parser.parse_args(argv)
    if args.newer:
        sys.exit("avx512" not in features(_cpuinfo()))
    if args.older is None:
        print(here())
    elif args.older:
        os.execvpe(args.older[0], args.older, {**os.environ, **OLDER})
    else:
        parser.error("--older: a command is missing")


def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    main(sys.argv[1:])
