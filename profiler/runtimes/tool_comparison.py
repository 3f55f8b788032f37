"""Comparison of a delegate's outputs with the CPU's on the phone, on the same input, by TensorFlow's benchmark_model.

Its newer builds read an input from a file (--input_layer_value_files) and write the outputs of a run to one
(--output_filepath). After the first run of a model with a delegate, the script runs it twice more, with the delegate
and with XNNPACK, and sends the beginning and the end of both outputs. LiteRT 2's tool does neither, so its
outputs are not compared. This module starts no process.
"""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass

from edgenas.profiler.runtimes.delegates import LARGEST_REL

SLICE_BYTES = 3072  # of the beginning and of the end of an output: a multiple of the size of every type of tensors
_INPUT_BYTES = 65_536  # of random numbers, which are repeated to fill larger inputs
_TYPES = {0: ("f", 4), 9: ("b", 1), 3: ("B", 1)}  # TensorType of schema.fbs: FLOAT32, INT8, UINT8
#: flags that a build needs for it
NEEDED = ("input_layer", "input_layer_shape", "input_layer_value_files", "output_filepath")
LARGEST_STEPS = 1  # of int8 outputs

#: $1 model: appends 'edgenas numbers BASE64' (delegate) and 'edgenas reference BASE64' (CPU) to the file err
SHELL = """quick() { # $1 file of outputs, then a command
    into=$1; shift
    clock
    ( ulimit -f 65536; exec "$@" $given "--output_filepath=$into" ) >/dev/null 2>&1 </dev/null &
    echo "$! $now" >running
    wait $!
    : >running
}
compare() { # $1 model
    [ -n "$compares" ] && [ -f "$1.compare" ] || return 0
    model=$1
    read -r size given <"$1.compare"
    while cat random 2>/dev/null; do :; done | head -c "$size" >input
    quick "$1.numbers" @DELEGATED@
    quick "$1.reference" @CPU@
    for f in numbers reference; do
        if [ -s "$1.$f" ]; then
            printf 'edgenas %s ' "$f"
            { head -c @SLICE@ "$1.$f"; tail -c @SLICE@ "$1.$f"; } | base64 -w 0
            echo
        fi
        rm -f "$1.$f"
    done >>err
}
compares=
if [ "$kind" = tensorflow ]; then
    compares=yes
    for f in @NEEDED@; do grep -q -e "--$f=" flags || compares=; done
fi
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of outputs: ``rel`` is the largest over the largest of the CPU's, ``steps`` that of int8 outputs;
    ``fault`` says what is wrong with the numbers at first sight: '', 'zeros' or 'NaN'."""

    rel: float
    steps: int
    fault: str = ""


def comparison_files(number: int, model: bytes) -> dict[str, bytes]:
    """Return the file (name -> content) that makes the script compare the model ``number``; none where its input is not
    one tensor of a known type."""
    import ai_edge_litert.schema_py_generated as schema

    try:
        graph = schema.Model.GetRootAs(model).Subgraphs(0)
        tensor = graph.Tensors(graph.Inputs(0))
        shape = [int(size) for size in tensor.ShapeAsNumpy()]
        name = tensor.Name().decode()
        outputs = {graph.Tensors(graph.Outputs(k)).Type() for k in range(graph.OutputsLength())}
        if graph.InputsLength() != 1 or tensor.Type() not in _TYPES or not outputs <= _TYPES.keys():
            return {}
    except (struct.error, AttributeError, IndexError, TypeError, ValueError, UnicodeDecodeError):
        return {}  # no model: its run says so
    if any(c in name for c in ":, \t") or not name or not name.isprintable():
        return {}
    size = math.prod(shape) * _TYPES[tensor.Type()][1]
    flags = f"--input_layer={name} --input_layer_shape={','.join(map(str, shape))}"
    return {f"{number}.compare": f"{size} {flags} --input_layer_value_files={name}:input\n".encode()}


def random_numbers(precision: str) -> bytes:
    """Return the random numbers that fill inputs: fp32 between -1 and 1, or bytes."""
    drawn = random.Random(0)
    if precision == "int8":
        return drawn.randbytes(_INPUT_BYTES)
    count = _INPUT_BYTES // 4
    return struct.pack(f"<{count}f", *(drawn.uniform(-1, 1) for _ in range(count)))


def difference(numbers: bytes, reference: bytes, precision: str) -> Difference:
    """Return the difference of a delegate's outputs to the CPU's. ValueError where they are not of one length."""
    letter, size = ("b", 1) if precision == "int8" else ("f", 4)
    if len(numbers) != len(reference) or not numbers or len(numbers) % size or len(numbers) > 2 * SLICE_BYTES:
        raise ValueError(f"outputs of {len(numbers)} and {len(reference)} bytes")
    mine, cpu = (struct.unpack(f"<{len(raw) // size}{letter}", raw) for raw in (numbers, reference))
    largest = max(map(abs, cpu))
    if not all(map(math.isfinite, mine)):
        return Difference(math.inf, 0, "NaN")
    apart = max(abs(a - b) for a, b in zip(mine, cpu, strict=True))
    rel = apart / largest if largest else (math.inf if apart else 0.0)
    fault = "zeros" if largest and not any(mine) else ""
    return Difference(rel, int(apart) if precision == "int8" else 0, fault)


def wrong(found: Difference, delegate: str, precision: str, arithmetic: str) -> str:
    """Return why the numbers of ``delegate`` are wrong, '' where they are not."""
    if found.fault:
        return f"{delegate} computes {found.fault} where the CPU computes numbers"
    if precision == "int8":
        far = found.steps > LARGEST_STEPS
        return f"{delegate} computes int8 outputs {found.steps} steps from the CPU's; 1 is the most" if far else ""
    most = LARGEST_REL.get(arithmetic, LARGEST_REL["fp16"])  # that of fp16 where a vendor's library decides
    if found.rel <= most:
        return ""
    return (
        f"{delegate} computes other numbers than the CPU: they are {found.rel:.2g} of the largest output apart, and "
        f"{most:g} is the most"
    )
