"""Measurement settings: the conditions that must be equal before two times may be compared or added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from edgenas.base.forms import Parsed
from edgenas.latency_tables.store.fields import Fields

Fact = str | int | float
#: fields of a setting without a requested delegate, as tables before version 4 were measured
NO_DELEGATE: dict[str, Fact] = {"accelerator": "", "arithmetic": "", "nodes_taken": 0, "nodes_total": 0}


@dataclass(frozen=True, slots=True)
class Setting:
    """The conditions that are constant within one table.

    device           the facts that identify the machine, as (name, value) pairs in order of name
    version          package that contains the runtime, and its version: 'ai_edge_litert 2.3.0'
    library_sha256   digest of the runtime's shared libraries, which identifies the build where the version does not
    delegate         what computes, as it was found: 'xnnpack', 'cpu' (onnxruntime's own provider), 'none' (built-in
                     kernels), or a delegate that was requested, such as 'gpu' and 'openvino:npu'; 'gpu+cpu' where the
                     CPU computed a part of the models
    precision        'fp32' or 'int8', as the files of the blocks were written
    cores            numbers of the CPUs that the process is pinned to; empty for not pinned
    scheduler        'fifo' or 'normal'
    cold_kib         KiB that another model read before every sample, so that caches are as in the middle of a network;
                     0 for runs back to back
    accelerator      adapter and driver of a requested delegate, as they name themselves; '' for none
    arithmetic       precision in which a requested delegate computes, as it was found: 'fp32', 'fp16', 'int8'; '' for
                     what ``precision`` says
    nodes_taken      operators of a small model that a requested delegate took, out of ``nodes_total``; 0 and 0 where
                     none was requested
    """

    device: tuple[tuple[str, Fact], ...]
    runtime: str
    version: str
    library_sha256: str
    delegate: str
    precision: str
    threads: int
    cores: tuple[int, ...]
    scheduler: str
    cold_kib: int = 0
    accelerator: str = ""
    arithmetic: str = ""
    nodes_taken: int = 0
    nodes_total: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "device": dict(self.device), "cores": list(self.cores)}

    @classmethod
    def from_dict(cls, data: Any) -> Setting:
        """Return the setting of the dictionary that ``as_dict`` made; ValueError names the field that is missing,
        unknown or of the wrong type. Documents of edgenas 0.3 lack the fields of a requested delegate."""
        if isinstance(data, dict) and not NO_DELEGATE.keys() & data.keys():
            data = {**data, **NO_DELEGATE}
        take = Fields(data, "setting")
        setting = cls(
            device=device_pairs(take.values("device")),
            runtime=take.text("runtime"),
            version=take.text("version"),
            library_sha256=take.text("library_sha256"),
            delegate=take.text("delegate"),
            precision=take.text("precision"),
            threads=take.whole("threads", 1, 1024),
            cores=take.wholes("cores", 0, 4095, 1024),
            scheduler=take.text("scheduler"),
            cold_kib=take.whole("cold_kib", 0, 1 << 30),
            accelerator=take.text("accelerator"),
            arithmetic=take.text("arithmetic"),
            nodes_taken=take.whole("nodes_taken", 0, 1 << 20),
            nodes_total=take.whole("nodes_total", 0, 1 << 20),
        )
        take.done()
        return setting

    def differences(self, other: Setting) -> list[str]:
        """Return the fields that differ, such as 'threads 1 / 2', this setting's value first."""
        mine, theirs = ({**s.as_dict(), **{f"device {k}": v for k, v in s.device}} for s in (self, other))
        names = [name for name in {**mine, **theirs} if name != "device"]
        return [f"{n} {mine.get(n)} / {theirs.get(n)}" for n in names if mine.get(n) != theirs.get(n)]


def device_pairs(device: Mapping[str, Fact]) -> tuple[tuple[str, Fact], ...]:
    """Return a device's fingerprint in the form of ``Setting.device``: (name, value) pairs in order of name."""
    return tuple(sorted(device.items()))


#: type of a record's field that holds a setting, stored in its JSON form
SettingField = Annotated[Setting, Parsed(Setting.from_dict)]
