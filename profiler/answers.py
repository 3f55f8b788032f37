"""Outputs of one model file for many pictures, computed on a device.

Pictures are sent in parts, each together with the model and its runner, as one resumable job
(``edgenas.devices.transports.reattach``): the device holds one part at a time, a broken connection is resumed, and
leftover files are removed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.weights import Array
from edgenas.devices.base import Device
from edgenas.devices.transports.jobs import PATIENT, Wait
from edgenas.devices.transports.reattach import clear, cleared_on_failure, run_kept
from edgenas.profiler.export.run import real_outputs, stored_inputs
from edgenas.profiler.measure import START_S, files_key, how_it_ended, push_files
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.output import Installed
from edgenas.profiler.runtimes.python_runner import PythonRunner

PART_BYTES = 4 << 20  #: most bytes of pictures in one part, or the model's size where that is larger
PART_PICTURES = 1024  #: most pictures in one part, whose outputs are printed together
LIMIT_S = 3600.0  #: time limit of one part, s


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """Outputs of a model on a device: ``outputs`` (n, classes) or (n, H', W', C') as real numbers, and the runtime that
    computed them on the device."""

    installed: Installed
    outputs: Array


def answers(
    device: Device,
    runtime: Runtime,
    model: bytes,
    pictures: Array,
    *,
    program: str,
    wait: Wait = PATIENT,
    listener: Listener = SILENT,
) -> Answered:
    """Compute the outputs of ``model`` for ``pictures`` (n, H, W, C), float32 as the network takes them, on a device
    that is held (``edgenas.devices.session.session``); ``program`` is the path of its Python.

    InputError for a runtime that shows no outputs, and for pictures of another shape; OutcomeError where the model does
    not run there; DeviceError where the device fails: no files stay on it then, unless the connection is lost.
    """
    if not isinstance(runtime, PythonRunner):
        raise InputError(
            f"{device.name} runs files by {runtime.name}, which takes no images and shows no outputs; run them on a "
            "device with Python, or on this machine: --device local"
        )
    inputs = stored_inputs(model, pictures)
    found: list[Any] = []
    installed: Installed | None = None
    with cleared_on_failure(device):
        for part in _parts(inputs, len(model)):
            files = runtime.answer_files(model, _npy(part))
            result = run_kept(
                device,
                files_key(program, files),
                partial(push_files, device, files),
                lambda folder: runtime.answer_command(program, folder),
                timeout_s=LIMIT_S + START_S,
                wait=wait,
            )
            if result.returncode != 0:
                why = how_it_ended(result.returncode, result.stderr)
                raise OutcomeError(f"{device.name}: {runtime.name} does not run the model on images: {why}")
            read = runtime.parse_answers(result.stdout, len(part))
            if installed is not None and read.installed != installed:
                raise OutcomeError(f"{device.name}: {runtime.name} was changed while the model ran; run it again")
            installed = read.installed
            found.append(read.outputs)
            listener.progress(sum(map(len, found)), len(inputs))
    clear(device)
    assert installed is not None
    return Answered(installed, real_outputs(model, np.concatenate(found)))


def _parts(inputs: Any, model_bytes: int) -> Iterator[Any]:
    """Yield ``inputs`` in order, in parts of at most PART_PICTURES and PART_BYTES."""
    each = max(1, min(PART_PICTURES, max(PART_BYTES, model_bytes) // max(1, inputs[0].nbytes)))
    yield from (inputs[first : first + each] for first in range(0, len(inputs), each))


def _npy(array: Any) -> bytes:
    """Return an array as the content of an .npy file."""
    made = io.BytesIO()
    np.save(made, np.ascontiguousarray(array), allow_pickle=False)
    return made.getvalue()
