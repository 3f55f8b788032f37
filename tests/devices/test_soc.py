"""Names of chips and devices: rules on small texts, and every real cpuinfo and getprop there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.devices.facts.android import parse_getprop
from edgenas.devices.facts.soc import model_name, soc_name
from tools.bench.device_names import TRUTH, judge


def cores(*kinds: tuple[int, str, str, str, str], bogomips: str = "50.00") -> str:
    """/proc/cpuinfo of a kernel since 3.8: (how many, implementer, variant, part, revision)."""
    blocks = [
        f"processor\t: 0\nBogoMIPS\t: {bogomips}\nCPU implementer\t: {i}\nCPU architecture: 8\nCPU variant\t: {v}\n"
        f"CPU part\t: {p}\nCPU revision\t: {r}\n\n"
        for n, i, v, p, r in kinds
        for _ in range(n)
    ]
    return "".join(blocks)


def test_the_kernel_is_believed_before_the_platform_of_the_build() -> None:
    properties = {"ro.board.platform": "msm8996", "ro.chipname": "MSM8996"}
    named = soc_name("Hardware\t: Qualcomm Technologies, Inc MSM8996pro\n", properties)
    assert named is not None
    assert (named.name, named.basis) == ("Qualcomm MSM8996pro", "hardware")
    assert str(soc_name("", properties | {"ro.soc.model": "SM8550"})) == "Qualcomm SM8550"


def test_a_family_name_gives_way_to_the_member() -> None:
    text = "Hardware\t: sc8830\n"
    assert str(soc_name(text, {"ro.chipname": "SC7727SE"})) == "Spreadtrum SC7727SE"
    assert str(soc_name(text, {})) == "Spreadtrum SC8830"


def test_evidence_that_fits_several_chips_names_them_all() -> None:
    text = cores((4, "0x41", "0x0", "0xd03", "4"), (4, "0x41", "0x0", "0xd09", "2"), bogomips="3.84")
    named = soc_name(text)
    assert named is not None
    assert (named.name, named.others) == ("HiSilicon Kirin 970", ("HiSilicon Kirin 710",))
    assert str(named) == "HiSilicon Kirin 970 or HiSilicon Kirin 710"
    assert soc_name(text.replace("3.84", "26.00")) is None  # another vendor's timer: nothing is guessed


@pytest.mark.parametrize(
    ("code", "model", "chip"),
    [
        ("c03114", "Raspberry Pi 4 Model B Rev 1.4", "Broadcom BCM2711"),
        ("c04170", "Raspberry Pi 5 Model B Rev 1.0", "Broadcom BCM2712"),
        ("902120", "Raspberry Pi Zero 2 W Rev 1.0", "Broadcom BCM2837"),
        ("1a22042", "Raspberry Pi 2 Model B Rev 1.2", "Broadcom BCM2837"),  # warranty bit set
        ("a020d3", "Raspberry Pi 3 Model B Plus Rev 1.3", "Broadcom BCM2837"),
    ],
)
def test_raspberry_pi_revision_codes(code: str, model: str, chip: str) -> None:
    text = f"Hardware\t: BCM2835\nRevision\t: {code}\nSerial\t\t: 10000000abcdef01\n"
    assert model_name(text) == model
    assert str(soc_name(text.replace("Hardware\t: BCM2835\n", ""))) == chip


@pytest.mark.parametrize("text", ["", "Revision\t: zz\nSerial: 0", "CPU part\t: 0xd03\n", "Hardware\t: \x1b[31mfoo\n"])
def test_nothing_known_is_none(text: str) -> None:
    assert soc_name(text) is None
    assert model_name(text, {"ro.product.model": "generic_a15"}) is None


@given(st.text(), st.dictionaries(st.sampled_from(["ro.serialno", "ro.build.type"]), st.text()))
def test_text_without_evidence_names_nothing(text: str, properties: dict[str, str]) -> None:
    nothing = text.replace(":", ";")
    assert soc_name(nothing, properties) is None
    assert model_name(nothing, properties) is None


@given(st.text(st.characters(exclude_characters=":\r\n")), st.sampled_from(["Hardware", "Model", "BogoMIPS", "Notes"]))
def test_lines_that_say_nothing_do_not_change_a_name(text: str, key: str) -> None:
    """The first line of a key counts, and other keys do not."""
    pi = "Hardware\t: BCM2835\nRevision\t: c03111\nSerial\t\t: 10000000abcdef01\nModel\t: Raspberry Pi 4 Model B\n"
    more = f"{pi}{key}\t: {' '.join(text.split())}\n"
    assert (soc_name(more), model_name(more)) == (soc_name(pi), model_name(pi))
    assert soc_name(pi) is not None


@given(st.text())
def test_a_product_is_called_by_its_maker_and_model(text: str) -> None:
    product = f"Zz{text}".strip()  # no marketing name, no generic product
    assert model_name("", {"ro.product.model": product, "ro.product.manufacturer": "Acme"}) == f"Acme {product}"
    assert (
        model_name("", {"ro.product.model": f"acme {product}", "ro.product.manufacturer": "Acme"}) == f"acme {product}"
    )
    assert model_name("Model\t: other\n", {"ro.product.model": product}, f"Tree {text}") == f"Tree {text}"


def test_every_real_device(shared_data: Path) -> None:
    """The goal of the benchmark: 95 % of the 123 named right, and nothing named wrong with certainty."""
    found = judge(shared_data / "traces" / "cpuinfo_getprop" / "test")
    assert len(found) == 123
    assert {j.trace.removesuffix(".log").removesuffix(".armeabi") for j in found} == set(TRUTH)
    assert sum(j.right for j in found) / len(found) >= 0.95
    assert all(" or " in j.soc for j in found if not j.soc_right)
    assert all(j.model_right is not False for j in found)


def test_every_getprop_is_understood(shared_data: Path) -> None:
    files = sorted((shared_data / "traces" / "cpuinfo_getprop" / "test" / "build.prop").glob("*.log"))
    assert len(files) == 73
    for path in files:
        properties = parse_getprop(path.read_text(encoding="utf-8", errors="replace"))
        assert properties.get("ro.build.version.release") or properties.get("ro.build.version.sdk"), path
        assert soc_name("", properties) is not None or path.stem in {
            *("huawei-mate-8", "huawei-mate-9"),  # generic builds
            *("atm7029b-tablet", "lenovo-vibe-x2", "xperia-sl"),
        }, path


def test_raspberry_pi_reports(shared_data: Path) -> None:
    """The board that each report of sbc-bench is about has a chip, by its device tree's model."""
    seen = set()
    for path in sorted((shared_data / "traces" / "raspberrypi_sbc_bench" / "results").glob("*.txt")):
        text = path.read_text(encoding="utf-8", errors="replace")
        title = re.search(r"((?:Raspberry Pi|RPi) (?:Compute Module \d|Zero ?\d?|Model|\d+)[\w .]*)", text)
        if title is None:
            continue
        named = soc_name("", None, title[1])
        assert named is not None
        claimed = re.search(r"RPi .* / (BCM27\d\d)", text)
        assert claimed is None or claimed[1] in named.name
        seen.add(named.name.removeprefix("Broadcom "))
    assert seen == {"BCM2835", "BCM2836", "BCM2837", "BCM2711", "BCM2712"}
