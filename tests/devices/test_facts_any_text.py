"""Facts from texts that no device should write: in their ranges or None, and printable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgenas.devices.facts.android import MARK
from edgenas.devices.facts.cpuinfo import parse_cpuinfo
from edgenas.devices.facts.facts import FILE_MARK, Facts, parse_facts
from tests.devices.test_facts import PI4, marked

#: what no device should write, and what one may
values = st.one_of(st.text(), st.from_regex(r"-?[0-9]{1,9}", fullmatch=True), st.just("\x1b[2J\x9b31m"))


@given(st.text().filter(lambda text: FILE_MARK not in text and MARK not in text))
def test_a_text_without_marks_says_nothing(text: str) -> None:
    assert parse_facts(text) == Facts()


@given(
    values,
    st.lists(
        st.builds(
            "{}\t: {}\n".format,
            st.sampled_from(["model name", "Hardware", "Model", "processor", "cpu MHz", "CPU part"]),
            values,
        )
    ),
)
def test_any_text_gives_facts_in_their_ranges_or_none(text: str, cpuinfo: list[str]) -> None:
    files = {**dict.fromkeys(PI4, text), "/proc/cpuinfo": "".join(cpuinfo), "uname": f"{text[:5]} {text[:9]} x{text}"}
    for found in (parse_facts(marked(files)), parse_facts(marked(dict.fromkeys(PI4, text)))):
        for name, value in found.as_dict().items():
            assert not isinstance(value, str) or (value.isprintable() and value.strip() and len(value) <= 401), name
        assert found.cores is None or found.cores > 0
        assert found.memory_mib is None or found.memory_mib % 512 == 0
        assert found.temperature_c is None or -40 <= found.temperature_c <= 150
        assert found.load_1min is None or found.load_1min >= 0
        assert (found.throttled, found.battery_percent, found.thermal_status) == (None, None, None)


@given(st.text())
def test_a_cpuinfo_says_what_its_lines_say(text: str) -> None:
    one_line = " ".join(text.split()).replace(":", "").strip()
    found = parse_cpuinfo(f"model name\t: {one_line}\nprocessor\t: 0\nprocessor\t: 1\n{one_line}\n")
    assert (found.cpu or "", found.processors) == (one_line, 2)
    assert (found.soc, found.model, found.clock_mhz, found.int8_isa) == (None, None, None, None)
