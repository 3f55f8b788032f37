"""Tables of chip names: texts of kernels and of Android's properties, and the names of the chips they stand for.

Sources: [K] Linux, the machine and device tree names in arch/arm and arch/arm64; [A] Android's ``ro.board.platform``
and ``ro.product.board`` as set in public device trees (android.googlesource.com/device, LineageOS android_device_*), of
which pytorch/cpuinfo's test/name/{android-properties,proc-cpuinfo-hardware}.cc has many; [R] Raspberry Pi
documentation, "Raspberry Pi revision codes"; [M] Arm, Main ID Register in the Technical Reference Manuals.
A code name that makers use for several chips is not in the tables.
"""

from __future__ import annotations

import re

#: (pattern of a part number that identifies a chip, name of the chip with {0} for the matched part number)
PARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b((?:MSM|APQ|SDM|SDA|QCS|QCM) ?[0-9]{3,4}(?:pro-?a?[abc]?|ab|aa|[qt])?)\b", re.I), "Qualcomm {0}"),
    (re.compile(r"\b(SM[4678][0-9]{3}(?:-A[ABC])?)\b"), "Qualcomm {0}"),
    (re.compile(r"\b(MT[68][0-9]{3}[A-Z]{0,2}(?:/[A-Z]{1,3})?)\b", re.I), "MediaTek {0}"),
    (re.compile(r"\b(?:exynos ?|universal|s5e)([0-9]{3,4})\b", re.I), "Samsung Exynos {0}"),
    (re.compile(r"\bkirin ?([0-9]{3,4}[A-Z]?)\b", re.I), "HiSilicon Kirin {0}"),
    (re.compile(r"\b(S[CP][789][0-9]{3}[A-Z]{0,2})\b", re.I), "Spreadtrum {0}"),
    (re.compile(r"\b(UMS[0-9]{3,4})\b", re.I), "Unisoc {0}"),
    (re.compile(r"\b(PXA[0-9]{3,4})\b", re.I), "Marvell {0}"),
    (re.compile(r"\b(LC1[0-9]{3})\b", re.I), "Leadcore {0}"),
    (re.compile(r"\b(RK3[0-9]{3}[A-Z]?)\b", re.I), "Rockchip {0}"),
    (re.compile(r"\b(BCM27(?:11|12)|BCM283[567])\b"), "Broadcom {0}"),
)

#: a whole value of the Hardware line or of a property, in lower case -> the chip
CODE_NAMES: dict[str, str] = {
    "astar_y3": "Allwinner A33",  # [A] softwinner device/astar
    "baytrail": "Intel Bay Trail",  # [A]
    "clovertrail": "Intel Clover Trail+",  # [A] asus
    "cht_cr_mrd": "Intel Cherry Trail",  # [A]
    "flounder": "NVIDIA Tegra K1 (T132)",  # [A] device/htc/flounder
    "fuji": "Qualcomm MSM8260",  # [A] Sony fuji: Xperia S, SL, ion, acro S
    "generic omap36xx (flattened device tree)": "Texas Instruments OMAP36xx",  # [K] mach-omap2/board-generic.c
    "gs702c": "Actions ATM7029B",  # [K] Actions' kernel for ATM7029
    "herring": "Samsung Exynos 3110 (S5PC110)",  # [A] device/samsung/crespo
    "hi3630": "HiSilicon Kirin 920",  # [A]
    "hi3635": "HiSilicon Kirin 930",  # [A]
    "hi3650": "HiSilicon Hi3650 (Kirin 950/955)",  # [A]
    "hi3660": "HiSilicon Kirin 960",  # [A]
    "hi6210sft": "HiSilicon Kirin 620",  # [A]
    "hi6220": "HiSilicon Kirin 620",  # [A] HiKey
    "hi6250": "HiSilicon Hi6250 (Kirin 650/655/658/659)",  # [A]
    "hi6620oem": "HiSilicon Kirin 910T",  # [A]
    "jetson_tx1": "NVIDIA Tegra X1 (T210)",  # [K]
    "leadcore innopower": "Leadcore LC1860",  # [K] Leadcore's kernel
    "mako": "Qualcomm APQ8064",  # [A] device/lge/mako
    "manta": "Samsung Exynos 5250",  # [A] device/samsung/manta
    "moorefield": "Intel Moorefield",  # [A]
    "odroidu2": "Samsung Exynos 4412",  # [K] Hardkernel
    "omap4 panda board": "Texas Instruments OMAP44xx",  # [K] mach-omap2/board-omap4panda.c: 4430 and 4460 alike
    "samsung exynos5 (flattened device tree)": "Samsung Exynos 5",  # [K] mach-exynos/mach-exynos5-dt.c
    "s5pc110": "Samsung Exynos 3110 (S5PC110)",  # [A]
    "song": "Pinecone Surge S1",  # [A] Xiaomi meri
    "tegra132": "NVIDIA Tegra K1 (T132)",  # [K]
    "tegra210": "NVIDIA Tegra X1 (T210)",  # [K]
    "tegra210_dragon": "NVIDIA Tegra X1 (T210)",  # [A] device/google/dragon
    "tuna": "Texas Instruments OMAP4460",  # [A] device/samsung/tuna
    # since Android 10 the platform is a code name [A]
    "kalama": "Qualcomm SM8550",
    "kona": "Qualcomm SM8250",
    "msmnile": "Qualcomm SM8150",
    "pineapple": "Qualcomm SM8650",
    "sdm670": "Qualcomm SDM670",
    "trinket": "Qualcomm SM6125",
    "gs101": "Google Tensor (GS101)",
    "gs201": "Google Tensor G2 (GS201)",
    "zuma": "Google Tensor G3 (Zuma)",
    "zumapro": "Google Tensor G4 (Zuma Pro)",
}

#: names of a chip family that vendors also use for its members: used only where no other evidence names a chip
FAMILIES = frozenset({"spreadtrum sc8830", "marvell pxa988"})

#: (implementer, part, variant, revision, count; -1 for any) of each kind of core, and BogoMIPS ('' for any) ->
#: chips that have exactly these cores [M]. Several chips: the evidence does not distinguish them.
Signature = tuple[frozenset[tuple[int, int, int, int, int]], str]
SIGNATURES: dict[Signature, tuple[str, ...]] = {
    (frozenset({(0x53, 0x001, 0x1, -1, 2), (0x41, 0xD03, -1, -1, 4)}), ""): ("Samsung Exynos 8890",),
    (frozenset({(0x53, 0x001, 0x1, -1, 4), (0x41, 0xD03, -1, -1, 4)}), ""): ("Samsung Exynos 8890",),
    (frozenset({(0x53, 0x001, 0x4, -1, 4), (0x41, 0xD03, -1, -1, 4)}), ""): ("Samsung Exynos 8895",),
    (frozenset({(0x53, 0x002, -1, -1, 4), (0x41, 0xD05, -1, -1, 4)}), ""): ("Samsung Exynos 9810",),
    # HiSilicon's timers run at 1.92 MHz, which no other vendor's do
    (frozenset({(0x41, 0xD08, -1, -1, 4), (0x41, 0xD03, -1, -1, 4)}), "3.84"): ("HiSilicon Hi3650 (Kirin 950/955)",),
    (frozenset({(0x41, 0xD09, 0, 1, 4), (0x41, 0xD03, -1, -1, 4)}), "3.84"): ("HiSilicon Kirin 960",),
    (frozenset({(0x41, 0xD09, 0, 2, 4), (0x41, 0xD03, -1, -1, 4)}), "3.84"): (
        "HiSilicon Kirin 970",
        "HiSilicon Kirin 710",
    ),
    (frozenset({(0x48, 0xD40, -1, -1, 4), (0x41, 0xD05, -1, -1, 4)}), "3.84"): (
        "HiSilicon Kirin 980",
        "HiSilicon Kirin 985",
        "HiSilicon Kirin 990",
    ),
    (frozenset({(0x4E, 0x000, -1, -1, 2)}), ""): ("NVIDIA Tegra K1 (T132)",),
    (frozenset({(0x41, 0xD07, 1, 1, 4)}), ""): ("NVIDIA Tegra X1 (T210)",),  # its four A53 are never shown
}

#: name of a chip family -> (cores in the form above, member that has these cores); 32-bit kernels before 3.8 list one
#: core of several [M]
REFINED: dict[str, tuple[tuple[frozenset[tuple[int, int, int, int, int]], str], ...]] = {
    "Texas Instruments OMAP44xx": ((frozenset({(0x41, 0xC09, 2, 10, 1)}), "Texas Instruments OMAP4460"),),
    "Samsung Exynos 5": ((frozenset({(0x41, 0xC0F, -1, -1, 2)}), "Samsung Exynos 5250"),),
}

#: processor field of a Raspberry Pi's revision code -> chip [R]
PI_PROCESSORS = ("Broadcom BCM2835", "Broadcom BCM2836", "Broadcom BCM2837", "Broadcom BCM2711", "Broadcom BCM2712")

#: type field of a Raspberry Pi's revision code -> model [R]
PI_TYPES: dict[int, str] = {
    0x00: "Model A",
    0x01: "Model B",
    0x02: "Model A Plus",
    0x03: "Model B Plus",
    0x04: "2 Model B",
    0x06: "Compute Module",
    0x08: "3 Model B",
    0x09: "Zero",
    0x0A: "Compute Module 3",
    0x0C: "Zero W",
    0x0D: "3 Model B Plus",
    0x0E: "3 Model A Plus",
    0x10: "Compute Module 3 Plus",
    0x11: "4 Model B",
    0x12: "Zero 2 W",
    0x13: "400",
    0x14: "Compute Module 4",
    0x15: "Compute Module 4S",
    0x17: "5 Model B",
    0x18: "Compute Module 5",
    0x19: "500",
    0x1A: "Compute Module 5 Lite",
}

#: revision codes before 2014 -> model and revision [R]
PI_OLD: dict[int, str] = {
    **dict.fromkeys((0x2, 0x3), "Model B Rev 1"),
    **dict.fromkeys((0x4, 0x5, 0x6, 0xD, 0xE, 0xF), "Model B Rev 2"),
    **dict.fromkeys((0x7, 0x8, 0x9), "Model A Rev 2"),
    **dict.fromkeys((0x10, 0x13), "Model B Plus Rev 1.2"),
    **dict.fromkeys((0x11, 0x14), "Compute Module Rev 1"),
    **dict.fromkeys((0x12, 0x15), "Model A Plus Rev 1.1"),
}

#: text after 'Raspberry Pi ' in the device tree's model -> chip; the first match counts [R]
PI_MODELS: tuple[tuple[str, str], ...] = (
    ("5", "Broadcom BCM2712"),
    ("Compute Module 5", "Broadcom BCM2712"),
    ("4", "Broadcom BCM2711"),  # 4 Model B, 400
    ("Compute Module 4", "Broadcom BCM2711"),
    ("3", "Broadcom BCM2837"),
    ("Compute Module 3", "Broadcom BCM2837"),
    ("Zero 2", "Broadcom BCM2837"),
    ("2 Model B Rev 1.2", "Broadcom BCM2837"),
    ("2", "Broadcom BCM2836"),
    ("", "Broadcom BCM2835"),
)
