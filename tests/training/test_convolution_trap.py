"""No convolution that training runs writes past the end of its memory on a processor with AVX2 and nothing newer."""

from __future__ import annotations

import os
import platform
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc", reason="about torch's kernels for x86 on glibc"
)


@pytest.mark.slow
def test_a_write_past_the_end_kills_its_process_and_no_other_case() -> None:
    from tools.bench.convolution_trap import KNOWN, OVERRUN, deaths

    whole = replace(KNOWN, layer="trained")
    died = deaths([whole, OVERRUN, whole, whole])
    assert [(death.case.layer, death.alone) for death in died] == [("overrun", True)]


@pytest.mark.slow
@pytest.mark.skipif(not torch.__version__.startswith("2.13.0"), reason="another torch may have mended it")
def test_torchs_own_convolution_dies_where_torch_has_the_bug() -> None:
    from tools.bench.convolution_trap import KNOWN, deaths

    assert deaths([KNOWN] * 4)
    assert not deaths([replace(KNOWN, layer="trained")] * 4)


@pytest.mark.slow
@pytest.mark.timeout(900)  # seconds, but for a busy machine
def test_narrow_convolutions_and_one_of_each_kind_as_training_makes_them() -> None:
    from tools.bench.convolution_shapes import sample
    from tools.bench.convolution_trap import deaths

    cases = sample()
    assert {case.layer for case in cases} == {"trained", "slice", "plain"}
    assert {case.op.stride for case in cases if case.op.kernel == 1 and case.op.c_in < 8} == {1, 2}
    assert [str(death) for death in deaths(cases) if not death.expected] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_twentieth_convolution_of_every_space_as_training_makes_them() -> None:
    """``python -m tools.bench.convolution_trap`` runs all of them, which takes longer than all other tests."""
    from tools.bench.convolution_shapes import everything
    from tools.bench.convolution_trap import deaths

    bad = [str(death) for death in deaths(everything()[::20], os.cpu_count() or 1) if not death.expected]
    assert bad == []


@pytest.mark.slow
def test_every_space_and_network_is_among_the_sources() -> None:
    from edgenas.blocks.reference import REFERENCE
    from edgenas.search.spaces import SPACES
    from tools.bench.convolution_shapes import GRID, convolutions, slices

    sources = convolutions()
    assert {*SPACES, *(f"published {name}" for name in REFERENCE), "nas_bench_macro / 8", GRID} <= set(sources)
    assert all(sources.values())
    skip = next(op for op in sources["nas_bench_macro / 8"] if op.kernel == 1 and op.stride == 2 and op.c_in == 4)
    assert (skip.kind, skip.c_out) == ("conv", 8)
    assert all(op.c_out <= whole.c_out and op.c_in <= whole.c_in for op, whole in slices())
    assert any(op.c_out < whole.c_out for op, whole in slices())
