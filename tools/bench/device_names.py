"""Count the real devices that edgenas names correctly: 123 /proc/cpuinfo of phones and boards, most with their getprop.

    python -m tools.bench.device_names [--json [FILE]] [--data ../shared/data] [--all]

Judged against TRUTH below: the device that the trace's file name says, and its chip as its own getprop and kernel say,
or, where neither does, as that device is known to have. The tables in devices/facts/soc_table.py and
devices/facts/model_table.py were written with these traces in view: this counts what is understood, not how the next
device will fare. A trace is right when the name of the chip is exactly the one expected, and, where the text can tell
(a getprop of that device, a Raspberry Pi's revision code, a board's own machine name), the name of the device too. A
chip that is only narrowed down to several counts as wrong. Three build.prop files are not of the device they are
named after (``huawei-mate-20.log`` is a LEAGOO T5c's, ``huawei-mate-8.log`` and ``huawei-mate-9.log`` are of a
generic build) and one names no product (``oneplus-3t.log``): the first is left out, and no device name is
asked of these four.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from edgenas.base.errors import InputError
from edgenas.devices.facts.android import parse_getprop
from edgenas.devices.facts.soc import model_name, soc_name
from tools.bench.command import options, run, show

ROOT = Path(__file__).resolve().parent.parent.parent
#: a build.prop that is another device's
FOREIGN = frozenset({"huawei-mate-20"})
#: file of the getprop, where it is spelled otherwise
SPELLED = {"astro-55r": "astro_55r"}

#: trace -> (chip, device; '' where nothing in the text names the device)
TRUTH: dict[str, tuple[str, str]] = {
    "alcatel-revvl": ("MediaTek MT6738", "Alcatel Revvl"),
    "alldocube-iwork8": ("Intel Atom x5-Z8350", "Alldocube iWork8"),
    "arndaleboard": ("Samsung Exynos 5250", ""),
    "astro-55r": ("Unisoc UMS312", "Maxwest Astro 55R"),
    "atm7029b-tablet": ("Actions ATM7029B", "ATM7029B tablet"),
    "beagleboard-xm": ("Texas Instruments OMAP36xx", "BeagleBoard-xM"),
    "blu-r1-hd": ("MediaTek MT6735", "BLU R1 HD"),
    "galaxy-a3-2016-eu": ("Samsung Exynos 7580", "Samsung Galaxy A3 2016"),
    "galaxy-a8-2016-duos": ("Qualcomm MSM8939", "Samsung Galaxy A8 Duos"),
    "galaxy-a8-2018": ("Samsung Exynos 7885", "Samsung Galaxy A8 2018"),
    "galaxy-c9-pro": ("Qualcomm MSM8976", "Samsung Galaxy C9 Pro"),
    "galaxy-grand-prime-value-edition": ("Spreadtrum SC7730SE", "Samsung Galaxy Grand Prime Value Edition"),
    "galaxy-j1-2016": ("Spreadtrum SC7727SE", "Samsung Galaxy J1 2016"),
    "galaxy-j5": ("Qualcomm MSM8916", "Samsung Galaxy J5"),
    "galaxy-j7-prime": ("Samsung Exynos 7870", "Samsung Galaxy J7 Prime"),
    "galaxy-j7-tmobile": ("Samsung Exynos 7580", "Samsung Galaxy J7"),
    "galaxy-j7-uae": ("Samsung Exynos 7580", "Samsung Galaxy J7"),
    "galaxy-nexus": ("Texas Instruments OMAP4460", "Samsung Galaxy Nexus"),
    "galaxy-s3-us": ("Qualcomm MSM8960", "Samsung Galaxy S3"),
    "galaxy-s4-us": ("Qualcomm APQ8064", "Samsung Galaxy S4"),
    "galaxy-s5-global": ("Samsung Exynos 5422", "Samsung Galaxy S5"),
    "galaxy-s5-us": ("Qualcomm MSM8974PRO-AC", "Samsung Galaxy S5"),
    "galaxy-s6": ("Samsung Exynos 7420", "Samsung Galaxy S6"),
    "galaxy-s7-global": ("Samsung Exynos 8890", "Samsung Galaxy S7"),
    "galaxy-s7-us": ("Qualcomm MSM8996", "Samsung Galaxy S7"),
    "galaxy-s8-global": ("Samsung Exynos 8895", "Samsung Galaxy S8"),
    "galaxy-s8-us": ("Qualcomm MSM8998", "Samsung Galaxy S8"),
    "galaxy-s9-global": ("Samsung Exynos 9810", ""),
    "galaxy-s9-us": ("Qualcomm SDM845", ""),
    "galaxy-tab-3-7.0": ("Marvell PXA986", "Samsung Galaxy Tab 3 7.0"),
    "galaxy-tab-3-lite": ("Spreadtrum SC7730S", "Samsung Galaxy Tab 3 Lite"),
    "galaxy-win-duos": ("Qualcomm MSM8625Q", "Samsung Galaxy Win Duos"),
    "huawei-ascend-p7": ("HiSilicon Kirin 910T", "Huawei Ascend P7"),
    "huawei-honor-6": ("HiSilicon Kirin 920", "Huawei Honor 6"),
    "huawei-mate-10": ("HiSilicon Kirin 970", ""),
    "huawei-mate-20": ("HiSilicon Kirin 980", ""),
    "huawei-mate-8": ("HiSilicon Hi3650 (Kirin 950/955)", ""),
    "huawei-mate-9": ("HiSilicon Kirin 960", ""),
    "huawei-p20-pro": ("HiSilicon Kirin 970", ""),
    "huawei-p8-lite": ("HiSilicon Kirin 620", "Huawei P8 Lite"),
    "huawei-p9-lite": ("HiSilicon Hi6250 (Kirin 650/655/658/659)", "Huawei P9 Lite"),
    "iconia-one-10": ("MediaTek MT8167B", "Acer Iconia One 10"),
    "jetson-tx1": ("NVIDIA Tegra X1 (T210)", "NVIDIA Jetson TX1"),
    "leagoo-t5c": ("Spreadtrum SC9853I", "Leagoo T5c"),
    "lenovo-a6600-plus": ("MediaTek MT6735P", "Lenovo A6600 Plus"),
    "lenovo-vibe-x2": ("MediaTek MT6595", "Lenovo Vibe X2"),
    "lg-k10-eu": ("Qualcomm MSM8916", "LG K10"),
    "lg-optimus-g-pro": ("Qualcomm APQ8064", "LG Optimus G Pro"),
    "meizu-pro-6": ("MediaTek MT6797T", "Meizu PRO 6"),
    "meizu-pro-6s": ("MediaTek MT6797T", "Meizu PRO 6"),  # its getprop says so
    "meizu-pro-7-plus": ("MediaTek MT6799", "Meizu PRO 7 Plus"),
    "memo-pad-7": ("Intel Atom Z3745", "Asus MeMO Pad 7"),
    "moto-e-gen1": ("Qualcomm MSM8610", "Motorola Moto E gen1"),
    "moto-g-gen1": ("Qualcomm MSM8226", "Motorola Moto G gen1"),
    "moto-g-gen2": ("Qualcomm MSM8226", "Motorola Moto G gen2"),
    "moto-g-gen3": ("Qualcomm MSM8916", "Motorola Moto G gen3"),
    "moto-g-gen4": ("Qualcomm MSM8952", "Motorola Moto G gen4"),
    "moto-g-gen5": ("Qualcomm MSM8937", "Motorola Moto G gen5"),
    "msm8996": ("Qualcomm MSM8996", ""),
    "nexus-s": ("Samsung Exynos 3110 (S5PC110)", "Google Nexus S"),
    "nexus10": ("Samsung Exynos 5250", "Google Nexus 10"),
    "nexus4": ("Qualcomm APQ8064", "Google Nexus 4"),
    "nexus5x": ("Qualcomm MSM8992", "Google Nexus 5X"),
    "nexus6": ("Qualcomm APQ8084", "Google Nexus 6"),
    "nexus6p": ("Qualcomm MSM8994", "Google Nexus 6P"),
    "nexus9": ("NVIDIA Tegra K1 (T132)", "Google Nexus 9"),
    "odroid-u2": ("Samsung Exynos 4412", "Hardkernel ODROID-U2"),
    "oneplus-3t": ("Qualcomm MSM8996pro", ""),
    "oneplus-5": ("Qualcomm MSM8998", ""),
    "oneplus-5t": ("Qualcomm MSM8998", ""),
    "oppo-a37": ("Qualcomm MSM8916", "Oppo A37"),
    "oppo-r15": ("MediaTek MT6771V/C", ""),
    "oppo-r9": ("MediaTek MT6755", "Oppo R9"),
    "padcod-10.1": ("Allwinner A33", "Padcod 10.1"),
    "pandaboard-es": ("Texas Instruments OMAP4460", "PandaBoard"),
    "pixel": ("Qualcomm MSM8996pro", "Google Pixel"),
    "pixel-2-xl": ("Qualcomm MSM8998", ""),
    "pixel-c": ("NVIDIA Tegra X1 (T210)", ""),
    "pixel-xl": ("Qualcomm MSM8996pro", "Google Pixel XL"),
    "raspberrypi": ("Broadcom BCM2835", "Raspberry Pi Model B Rev 2"),
    "raspberrypi-zero": ("Broadcom BCM2835", "Raspberry Pi Zero Rev 1.2"),
    "raspberrypi2": ("Broadcom BCM2836", "Raspberry Pi 2 Model B Rev 1.0"),
    "raspberrypi3": ("Broadcom BCM2837", "Raspberry Pi 3 Model B Rev 1.2"),
    "scaleway": ("Cavium ThunderX", ""),
    "xiaomi-mi-5c": ("Pinecone Surge S1", "Xiaomi MI 5C"),
    "xiaomi-redmi-2a": ("Leadcore LC1860", "Xiaomi Redmi 2A"),
    "xiaomi-redmi-note-3": ("Qualcomm MSM8956", "Xiaomi Redmi Note 3"),
    "xiaomi-redmi-note-4": ("Qualcomm MSM8953", "Xiaomi Redmi Note 4"),
    "xperia-c4-dual": ("MediaTek MT6752", "Sony Xperia C4 Dual"),
    "xperia-sl": ("Qualcomm MSM8260", "Sony Xperia SL"),
    "zenfone-2": ("Intel Atom Z3580", "Asus ZenFone 2"),
    "zenfone-2e": ("Intel Atom Z2560", "Asus ZenFone 2E"),
    "zenfone-c": ("Intel Atom Z2520", "Asus ZenFone C"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """Result for one device: the name that it got, and whether that is correct; ``basis`` is the evidence for the
    chip's name.
    """

    trace: str
    soc: str
    basis: str
    model: str
    soc_right: bool
    model_right: bool | None
    with_getprop: bool

    @property
    def right(self) -> bool:
        return self.soc_right and self.model_right is not False


def judge(folder: Path) -> list[Judged]:
    """Return the result for every /proc/cpuinfo under ``folder``/cpuinfo, by name."""
    return [_judge(path, folder) for path in sorted((folder / "cpuinfo").glob("*.log"))]


def _judge(path: Path, folder: Path) -> Judged:
    stem = path.name.removesuffix(".log").removesuffix(".armeabi")
    prop = folder / "build.prop" / f"{SPELLED.get(stem, stem)}.log"
    usable = prop.is_file() and stem not in FOREIGN
    properties = parse_getprop(prop.read_text(encoding="utf-8", errors="replace")) if usable else {}
    text = path.read_text(encoding="utf-8", errors="replace")
    soc, model = soc_name(text, properties), model_name(text, properties)
    truth, device = TRUTH.get(stem, ("", ""))
    soc_right = soc is not None and str(soc) == truth
    model_right = model == device if device or model else None
    return Judged(path.name, str(soc or ""), soc.basis if soc else "", model or "", soc_right, model_right, usable)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("EDGENAS_SHARED_DATA", ROOT.parent / "shared" / "data")
    )
    parser.add_argument("--all", action="store_true", help="every device, not only the wrong ones")
    arguments = parser.parse_args(argv)
    folder = Path(arguments.data) / "traces" / "cpuinfo_getprop" / "test"
    if not folder.is_dir():
        raise InputError(f"{folder} is not there; name the folder of published data with --data")
    found = judge(folder)
    asked = [j for j in found if j.model_right is not None]
    counts = {
        "devices": len(found),
        "right": sum(j.right for j in found),
        "percent": round(100 * sum(j.right for j in found) / len(found), 1),
        "soc_right": sum(j.soc_right for j in found),
        "model_asked": len(asked),
        "model_right": sum(bool(j.model_right) for j in asked),
        "by_cores_only": sum(j.basis == "cores" for j in found),
    }
    table = Table("trace", "chip", "by", "device", "right")
    for j in found:
        if arguments.all or not j.right:
            table.add_row(j.trace, j.soc, j.basis, j.model, "yes" if j.right else "no")
    summary = (
        f"{counts['right']} of {counts['devices']} named right ({counts['percent']} %); chips {counts['soc_right']}, "
        f"devices {counts['model_right']} of the {counts['model_asked']} whose text can tell; "
        f"{counts['by_cores_only']} chips only by their kinds of core"
    )
    show({**counts, "traces": [asdict(j) for j in found]}, [table, summary], arguments.json)
    return 0


if __name__ == "__main__":
    run(main)
