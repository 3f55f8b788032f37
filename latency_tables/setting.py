"""Setting: what must be equal before two numbers may be compared or added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from edgenas.base.forms import Parsed
from edgenas.latency_tables.store.fields import Fields

Fact = str | int | float


@dataclass(frozen=True, slots=True)
class Setting:
    """What one table holds constant.

    device           the facts that identify the machine, as (name, value) pairs in order of name
    version          the package that brings the runtime, and its version: 'ai_edge_litert 2.3.0'
    library_sha256   of the runtime's shared libraries: the build, where the version alone does not tell
    delegate         who computes: 'xnnpack', 'cpu' (onnxruntime's own provider), 'none' (built-in kernels)
    cores            CPUs the process is pinned to; empty for not pinned
    scheduler        'fifo' or 'normal'
    cold_kib         KiB that another model read before every sample, so that caches are as in the middle of a network;
                     0 for runs back to back
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

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "device": dict(self.device), "cores": list(self.cores)}

    @classmethod
    def from_dict(cls, data: Any) -> Setting:
        """Inverse of ``as_dict``; ValueError names the field that is missing, unknown or of the wrong type."""
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
        )
        take.done()
        return setting

    def differences(self, other: Setting) -> list[str]:
        """What differs, as 'threads 1 / 2' with this setting's value first."""
        mine, theirs = ({**s.as_dict(), **{f"device {k}": v for k, v in s.device}} for s in (self, other))
        names = [name for name in {**mine, **theirs} if name != "device"]
        return [f"{n} {mine.get(n)} / {theirs.get(n)}" for n in names if mine.get(n) != theirs.get(n)]


def device_pairs(device: Mapping[str, Fact]) -> tuple[tuple[str, Fact], ...]:
    """A fingerprint in the form Setting holds."""
    return tuple(sorted(device.items()))


#: a setting as a field of a record, which holds its JSON form
SettingField = Annotated[Setting, Parsed(Setting.from_dict)]
