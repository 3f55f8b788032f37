"""benchmark_model with delegates, of TensorFlow and of LiteRT 2, by a program that prints what they print."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.devices.inventory import Entry
from edgenas.devices.tools import Tool
from edgenas.devices.transports.jobs import Wait
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.delegate_probe import probe_delegates
from edgenas.profiler.measure import describe, measure_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.delegates import parse_delegate
from edgenas.profiler.runtimes.output import Description
from edgenas.profiler.runtimes.sustained import SustainedRequest
from edgenas.profiler.runtimes.tool_accelerators import LITERT, TENSORFLOW, accelerator_flags, arithmetic
from edgenas.profiler.runtimes.tool_runner import ToolRunner
from edgenas.profiler.sustained_run import memory_of, run_alone
from tests.support.tool_helpers import compiled, models, program

pytestmark = pytest.mark.slow
Phone = Callable[[str], str]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("tool"))


@pytest.fixture
def phone(stand_in: Path, tmp_path: Path) -> Phone:
    """The path of a tool on a phone that has the delegates of a text: see benchmark_delegates.h."""

    def make(text: str, flags: str = "") -> str:
        (tmp_path / "delegates").write_text(text)
        return program(tmp_path / "tool", f'RIG_DELEGATES={tmp_path}/delegates exec {stand_in} "$@" {flags}')

    return make


def runtime(plan: Plan) -> ToolRunner:
    made = RUNTIMES["benchmark_model"]
    assert isinstance(made, ToolRunner)
    return made.with_delegate(parse_delegate(plan.requested, made.name), plan)


def asked(requested: str, **more: bool) -> Plan:
    return Plan(
        rounds=2, warmup_runs=2, warmup_ms=0, cores=(), scheduler="normal", cold_kib=0, requested=requested, **more
    )


def described(tool: str, plan: Plan) -> Description:
    return describe(LocalDevice("local"), runtime(plan), tool)


def test_flags_of_both_tools() -> None:
    def flags(tool: str, text: str, partial: bool = False) -> str:
        found = accelerator_flags(tool, parse_delegate(text, "benchmark_model"), partial=partial)
        return " ".join(f"{name}={value}" for name, value in found.items() if "file" not in name)

    cache = "delegate_serialize_dir=@CACHE@ delegate_serialize_token=@MODEL@"
    strict = "use_xnnpack=false require_full_delegation=true"
    assert flags(TENSORFLOW, "gpu") == f"{strict} use_gpu=true gpu_precision_loss_allowed=true {cache}"
    assert flags(TENSORFLOW, "gpu:fp32") == f"{strict} use_gpu=true gpu_precision_loss_allowed=false {cache}"
    assert "gpu_backend=gl" in flags(TENSORFLOW, "gpu:gl") and "use_gpu=true" in flags(TENSORFLOW, "gpu:gl")
    assert flags(TENSORFLOW, "gpu", partial=True) == f"use_gpu=true gpu_precision_loss_allowed=true {cache}"
    nnapi = "use_nnapi=true disable_nnapi_cpu=true nnapi_allow_fp16=false nnapi_accelerator_name=npu-x"
    assert flags(TENSORFLOW, "nnapi:npu-x") == f"{strict} {nnapi} {cache}"
    assert flags(TENSORFLOW, "hexagon") == f"{strict} use_hexagon=true {cache}"
    assert flags(TENSORFLOW, "external:qnn") == f"{strict} {cache}"  # the library is added on the phone
    alone = "use_cpu=false require_full_delegation=true use_gpu=true use_npu=false"
    assert flags(LITERT, "gpu") == f"{alone} allow_fp16=true"
    assert flags(LITERT, "gpu:fp32") == f"{alone} allow_fp16=false"
    assert flags(LITERT, "gpu:webgpu") == f"{alone} allow_fp16=true gpu_backend=webgpu"
    npu = "use_cpu=false require_full_delegation=true use_gpu=false use_npu=true compiler_cache_path=@CACHE@"
    assert flags(LITERT, "qualcomm") == npu
    assert "use_cpu=true require_full_delegation=false" in flags(LITERT, "gpu", partial=True)
    for tool, text in ((TENSORFLOW, "gpu:webgpu"), (TENSORFLOW, "mediatek"), (LITERT, "hexagon"), (LITERT, "gpu:cl")):
        with pytest.raises(InputError, match="which has no"):
            flags(tool, text)
    names = ("gpu", "gpu:fp32", "gpu:cl", "nnapi:x", "qualcomm")
    assert [arithmetic(parse_delegate(n, "benchmark_model")) for n in names] == ["fp16", "fp32", "fp16", "fp32", ""]


@pytest.mark.parametrize(
    ("text", "name", "delegate", "accelerator", "computes_in"),
    [
        ("gpu complete", "gpu", "gpu", "TfLiteGpuDelegateV2, OpenCL", "fp16"),
        ("gpu complete", "gpu:fp32", "gpu", "TfLiteGpuDelegateV2, OpenCL", "fp32"),
        ("gpu complete", "gpu:cl", "gpu:cl", "TfLiteGpuDelegateV2, OpenCL", "fp16"),
        ("nnapi complete\naccelerators npu-x,cpu", "nnapi:npu-x", "nnapi:npu-x", "TfLiteNnapiDelegate", "fp32"),
        ("hexagon complete", "hexagon", "hexagon", "TfLiteHexagonDelegate", ""),
        ("tool litert\ngpu complete\nadapter Mali-G78", "gpu:webgpu", "gpu:webgpu", "Mali-G78", "fp16"),
        ("tool litert\nnpu complete", "qualcomm", "qualcomm", "DispatchDelegate", ""),
    ],
)
def test_what_computes_is_recorded_as_found(
    phone: Phone, text: str, name: str, delegate: str, accelerator: str, computes_in: str
) -> None:
    found = described(phone(text), asked(name))
    assert (found.delegate, found.accelerator, found.arithmetic) == (delegate, accelerator, computes_in)
    assert (found.nodes_taken, found.nodes_total) == (5, 5)


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("", "gpu", "gpu computes nothing: GPU acceleration is unsupported on this platform.; the tool would time"),
        ("gpu none", "gpu", "Disallowed CPU fallback detected"),
        (
            "gpu failed",
            "gpu",
            r"gpu failed: Node number 5 .TfLiteGpuDelegateV2. failed to prepare\..*try gpu:cl and gpu:gl",
        ),
        (
            "gpu partial",
            "gpu",
            r"gpu takes 3 of 5 operators .*not taken: UNPACK: Operation is not supported\.; GATHER: .*--partial",
        ),
        ("gpu complete", "gpu:gl", "gpu:gl was asked for, but OpenCL computes"),
        ("gpu complete", "gpu:webgpu", "TensorFlow's benchmark_model, which has no gpu:webgpu"),
        ("gpu complete", "qualcomm", "TensorFlow's benchmark_model, which has no qualcomm: use an external delegate"),
        ("nnapi complete\naccelerators a,b", "nnapi:npu-x", "nnapi:npu-x is absent: the phone has nnapi:a, nnapi:b"),
        ("nnapi partial", "nnapi", "nnapi takes 3 of 5 operators"),
        ("hexagon failed", "hexagon", "hexagon failed: Node number 5"),
        ("", "hexagon", "hexagon computes nothing: Could not create Hexagon delegate"),
        ("tool litert", "gpu", "gpu failed: Failed to compile model"),
        ("tool litert\ngpu partial", "gpu", r"gpu takes 3 of 5 operators .*not taken: UNPACK: .*--partial"),
        ("tool litert\ngpu complete\nwaits no", "gpu", "does not say that it waits for the GPU.*asynchronous"),
        ("tool litert\ngpu complete\nadapter SwiftShader", "gpu", "imitated by the CPU: SwiftShader; .*--software"),
        ("tool litert\nnpu none", "qualcomm", "qualcomm failed|qualcomm computes nothing"),
        ("tool litert\nnpu partial", "mediatek", r"mediatek takes 3 of 5 operators .*--partial"),
        ("tool litert\ngpu complete", "nnapi", "LiteRT 2's benchmark_model, which has no nnapi"),
        ("tool litert\ngpu complete", "gpu:cl", "has no gpu:cl: use gpu, gpu:gl or gpu:webgpu"),
    ],
)
def test_refused_before_anything_is_measured(phone: Phone, text: str, name: str, why: str) -> None:
    with pytest.raises(OutcomeError, match=why):
        described(phone(text), asked(name))


def test_older_builds_lack_flags(phone: Phone, tmp_path: Path) -> None:
    """One that a run needs is missed before the run; one that is a comfort is not."""
    tool = phone("gpu complete")
    for flag, fine in (("use_gpu", False), ("delegate_serialize_dir", True)):
        old = program(tmp_path / "old", f'{tool} "$@" 2>&1 | sed s/--{flag}=/--x=/; exit 0')
        if fine:
            assert described(old, asked("gpu")).delegate == "gpu"
        else:
            with pytest.raises(OutcomeError, match=f"it is TensorFlow's benchmark_model without --{flag}: use a build"):
                described(old, asked("gpu"))


def test_a_batch_keeps_initialisation_and_refuses_single_models(phone: Phone) -> None:
    device, given = LocalDevice("local"), models()
    sizes = sorted(map(len, given.values()))
    tool, plan = phone(f"gpu partial {sizes[0]}"), asked("gpu")
    batch = measure_models(device, runtime(plan), given, plan, program=tool)
    (name,) = batch.results
    result = batch.results[name]
    assert len(given[name]) == sizes[0] and (result.delegate, len(result.samples_ns)) == ("gpu", 2)
    assert result.init_ns >= 40_000_000  # the first round, in which nothing is in the delegate's cache
    assert result.delegated is not None and result.delegated.accelerator == "TfLiteGpuDelegateV2, OpenCL"
    (failure,) = batch.failures
    assert failure.message.startswith("gpu takes 3 of 5 operators") and "UNPACK" in failure.message


@pytest.mark.parametrize("text", ["gpu partial", "tool litert\ngpu partial"])
def test_with_partial_the_cpu_computes_beside_it(phone: Phone, text: str) -> None:
    plan = asked("gpu", partial=True)
    found = described(phone(text), plan)
    assert (found.delegate, found.nodes_taken, found.nodes_total) == ("gpu+cpu", 3, 5)
    batch = measure_models(LocalDevice("local"), runtime(plan), models(), plan, program=phone(text))
    assert {result.delegate for result in batch.results.values()} == {"gpu+cpu"} and not batch.failures


def test_software_is_measured_where_it_is_permitted(phone: Phone) -> None:
    text = "tool litert\ngpu complete\nadapter SwiftShader"
    assert described(phone(text), asked("gpu", software=True)).accelerator == "SwiftShader"


def test_a_result_file_that_contradicts_the_log(phone: Phone, tmp_path: Path) -> None:
    tool = phone("gpu complete")
    lying = program(
        tmp_path / "lying", f'{tool} "$@"; code=$?; printf "\\022\\031\\015\\0\\0\\0\\0" >0.result; exit $code'
    )
    with pytest.raises(OutcomeError, match="the file is cut"):
        described(lying, asked("gpu"))


@pytest.mark.parametrize(
    ("numbers", "name", "why"),
    [
        (
            "wrong",
            "gpu",
            "gpu computes other numbers than the CPU: they are 0.1 of the largest output apart, and 0.03 is",
        ),
        ("zeros", "gpu", "gpu computes zeros where the CPU computes numbers: leave such blocks out"),
        ("nan", "gpu", "gpu computes NaN where the CPU computes numbers"),
        ("right", "gpu:fp32", ""),
    ],
)
def test_outputs_are_compared_with_those_of_the_cpu(phone: Phone, numbers: str, name: str, why: str) -> None:
    """By TensorFlow's tool, whose builds since 2.16 write outputs; older ones are measured without."""
    tool = phone(f"gpu complete\nnumbers {numbers}")
    if why:
        with pytest.raises(OutcomeError, match=why):
            described(tool, asked(name))
        return
    plan, given = asked(name), models()
    batch = measure_models(LocalDevice("local"), runtime(plan), given, plan, program=tool)
    assert not batch.failures
    for result in batch.results.values():
        assert result.delegated is not None and result.delegated.rel == pytest.approx(1e-5, rel=0.1)


@pytest.mark.parametrize("kind", ["", "tool litert\n"])
def test_tools_that_write_no_outputs(phone: Phone, tmp_path: Path, kind: str) -> None:
    tool = phone(f"{kind}gpu complete\nnumbers wrong")
    old = program(
        tmp_path / "old", f'{tool} "$@" 2>errors; code=$?; sed s/--output_filepath=/--x=/ errors >&2; exit $code'
    )
    plan = asked("gpu")
    batch = measure_models(LocalDevice("local"), runtime(plan), models(), plan, program=old)
    assert all(math.isnan(result.delegated.rel) for result in batch.results.values() if result.delegated)
    assert not batch.failures and len(batch.results) == 2


def test_the_delegates_of_a_phone_are_probed(phone: Phone) -> None:
    """What runs, what takes a part only, and what is absent; each with what to type."""
    tool = Path(phone("gpu partial 1500\nnnapi complete"))
    sha256 = hashlib.sha256(tool.read_bytes()).hexdigest()
    entry = Entry("pixel", "local", "", tools={"benchmark_model": Tool(tool, sha256)})
    found = {str(each.delegate): each for each in probe_delegates(entry, LocalDevice("pixel"))}
    assert list(found) == ["gpu", "nnapi", "hexagon"]
    gpu, nnapi, hexagon = found.values()
    assert gpu.finding == "TfLiteGpuDelegateV2, OpenCL: takes 3 of 5 operators, not UNPACK, GATHER, computes in fp16"
    assert gpu.remedy == "edgenas profile SPACE --delegate gpu --partial" and not gpu.whole
    assert nnapi.whole and nnapi.remedy == "edgenas profile SPACE --delegate nnapi"
    assert hexagon.finding.startswith("--delegate hexagon: hexagon computes nothing: Could not create Hexagon delegate")


def test_a_sustained_run_and_its_memory(phone: Phone) -> None:
    device, plan = LocalDevice("local"), asked("gpu", partial=True)
    tool, model = phone("gpu partial"), next(iter(models().values()))
    settled = plan.on(describe(device, runtime(plan), tool))
    request = SustainedRequest(2.0, minute_s=1.0)
    ran = run_alone(device, runtime(plan), model, settled, request, program=tool, wait=Wait(poll_s=0.2))
    assert (ran.stopped, ran.output.of, ran.output.delegate) == ("", "burst", "gpu+cpu")
    assert sum(minute.runs for minute in ran.output.minutes) > 0
    assert memory_of(device, runtime(plan), model, settled, program=tool).model_kib is not None
