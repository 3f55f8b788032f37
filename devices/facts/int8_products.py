"""What a processor has for products of 8-bit numbers, and whether ONNX Runtime's sums of them are exact on it.

x86 multiplies unsigned activations with signed weights. With AVX2 or AVX512 and no VNNI that is one instruction
(``vpmaddubsw``) which adds two neighbouring products in 16 bits and saturates: 255 * 127 * 2 does not fit. Weights of
7 bits do: 255 * 64 * 2 = 32,640. VNNI and AMX add in 32 bits, and so does what processors of before AVX2 are given on
Linux, which widens to 16 bits first (``pmaddwd``). 64-bit Arm adds two products in 16 bits as well (``smull``,
``smlal``), but of signed activations: 128 * 127 * 2 = 32,512 fits, since symmetric weights do not reach -128; the dot
product (``asimddp``) and ``i8mm`` add in 32 bits. Which kernel runs where: ONNX Runtime 1.31,
onnxruntime/core/mlas/lib/platform.cpp, and the kernels beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

#: instruction set -> what /proc/cpuinfo lists where it can be used, "flags" on x86, "Features" on Arm
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
    """The instruction sets that every processor of ``flags`` has, such as 'avx2 avx512 avx512-vnni'; None where none
    of those that matter is listed."""
    lists = [frozenset(found) for found in flags]
    common = frozenset.intersection(*lists) if lists else frozenset()
    return " ".join(name for name, needed in _SETS.items() if needed <= common) or None


def exact(isa: str | None) -> bool | None:
    """Whether sums of products are exact with 8-bit weights by ONNX Runtime's kernels; None where that is not known:
    of 32-bit Arm, of processors that list nothing."""
    sets = (isa or "").split()
    if "avx512-vnni" in sets or "amx-int8" in sets or ("avx-vnni" in sets and "avx512" not in sets):
        return True  # a kernel for AVX512 goes before one for AVX-VNNI
    if "avx2" in sets:
        return False
    return True if "sse4.1" in sets or "asimd" in sets else None


def named(isa: str | None) -> str:
    """The set that ONNX Runtime takes, as people write it: 'AVX512-VNNI', 'AVX2 without VNNI'."""
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
    """What a person is to know: 'AVX512-VNNI (exact)'."""
    known = exact(isa)
    if known is False:
        return f"{named(isa)}: {_REDUCED}"
    if known:
        return f"{named(isa)} (exact)"
    return f"{named(isa)}: whether sums are exact is not known; int8 ONNX files are written with reduced range"
