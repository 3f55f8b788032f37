"""Instruction sets of a processor for products of 8-bit numbers, and exactness of ONNX Runtime's int8 sums on it.

x86 multiplies unsigned activations with signed weights. With AVX2 or AVX512 and no VNNI that is one instruction
(``vpmaddubsw``), which adds two neighbouring products in 16 bits and saturates: 255 * 127 * 2 does not fit. With 7-bit
weights the sum fits: 255 * 64 * 2 = 32,640. VNNI and AMX add in 32 bits. The kernel for processors without
AVX2 on Linux also adds in 32 bits: it widens the factors to 16 bits first (``pmaddwd``). 64-bit Arm adds two products
in 16 bits (``smull``, ``smlal``), but of signed activations: 128 * 127 * 2 = 32,512 fits, since symmetric weights do
not reach -128; the dot product (``asimddp``) and ``i8mm`` add in 32 bits. Source for the choice of kernels: ONNX
Runtime 1.31, onnxruntime/core/mlas/lib/platform.cpp, and the kernels in the same folder.
"""

from __future__ import annotations

from collections.abc import Iterable

#: instruction set -> entries that /proc/cpuinfo lists for it: "flags" on x86, "Features" on Arm
_SETS: dict[str, frozenset[str]] = {
    "sse4.1": frozenset({"sse4_1"}),
    "avx2": frozenset({"avx2", "fma"}),
    "avx512": frozenset({"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"}),
    "avx-vnni": frozenset({"avx2", "fma", "avx_vnni"}),
    "avx512-vnni": frozenset({"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"}),
    "amx-int8": frozenset({"avx2", "fma", "amx_tile", "amx_int8"}),
    "neon": frozenset({"neon"}),
    "asimd": frozenset({"asimd"}),
    "asimddp": frozenset({"asimddp"}),
    "i8mm": frozenset({"i8mm"}),
}
_ARM = {"asimddp": "Arm dot product", "i8mm": "Arm i8mm"}
_REDUCED = "16-bit sums saturate; int8 ONNX files are written with reduced range"


def int8_isa(flags: Iterable[Iterable[str]]) -> str | None:
    """Return the instruction sets that every processor in ``flags`` has, such as 'avx2 avx512 avx512-vnni'; None where
    no set for 8-bit products is listed."""
    lists = [frozenset(entries) for entries in flags]
    common = frozenset.intersection(*lists) if lists else frozenset()
    return " ".join(name for name, needed in _SETS.items() if needed <= common) or None


def exact(isa: str | None) -> bool | None:
    """Return whether ONNX Runtime's kernels add products exactly with 8-bit weights; None where that is not known: on
    32-bit Arm, and on processors that list no instruction sets."""
    sets = (isa or "").split()
    if "avx512-vnni" in sets or "amx-int8" in sets or ("avx-vnni" in sets and "avx512" not in sets):
        return True  # ONNX Runtime prefers its AVX512 kernel to its AVX-VNNI kernel
    if "avx2" in sets:
        return False
    return True if "sse4.1" in sets or "asimd" in sets else None


def named(isa: str | None) -> str:
    """Return the display name of the instruction set that ONNX Runtime uses: 'AVX512-VNNI', 'AVX2 without VNNI'."""
    sets = (isa or "").split()
    arm = [_ARM[name] for name in ("i8mm", "asimddp") if name in sets]
    if arm:
        return arm[0]
    if "asimd" in sets:
        return "Arm without dot product"
    if "neon" in sets:
        return "32-bit Arm NEON"
    for name in ("amx-int8", "avx512-vnni"):
        if name in sets:
            return name.upper()
    if "avx512" in sets:
        return "AVX512 without VNNI"
    if "avx-vnni" in sets:
        return "AVX-VNNI"
    if "avx2" in sets:
        return "AVX2 without VNNI"
    return "SSE4.1" if sets else "not known"


def described(isa: str | None) -> str:
    """Return the instruction set and whether sums are exact, for messages: 'AVX512-VNNI (exact)'."""
    known = exact(isa)
    if known is False:
        return f"{named(isa)}: {_REDUCED}"
    if known:
        return f"{named(isa)} (exact)"
    return f"{named(isa)}: whether sums are exact is not known; int8 ONNX files are written with reduced range"
