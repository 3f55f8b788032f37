"""``edgenas verify --images``: accuracy of files on labelled images, on the device that they ship to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.cli.terminal import Cell, print_json, print_summary, print_table, talk
from edgenas.cli.terminal_listener import TERMINAL

if TYPE_CHECKING:
    from edgenas.ship.device_accuracy import AccuracyOnDevice


def answer_files(
    files: Sequence[Path],
    device: str,
    inventory: Path | None,
    images: Path,
    mean: str | None,
    deviation: str | None,
    as_json: bool,
) -> None:
    """Run each file on every image of ``images``, on the device and on this machine, and print accuracies."""
    from edgenas.api.verify_images import verify_images

    done = verify_images(
        *files, images=images, device=device, inventory=inventory, mean=mean, deviation=deviation, listener=TERMINAL
    )
    found = done.files
    if as_json:
        print_json(done.to_json())
        return
    columns = ("file", "on", "runtime", "images", "accuracy %", "95 % interval", "weights", "this machine %", "same %")
    rows: list[Sequence[Cell]] = [
        (
            a.file,
            str(a.on),
            a.runtime,
            a.pictures,
            round(a.accuracy, 2),
            f"{a.low:.2f} .. {a.high:.2f}",
            None if a.weight_bits is None else f"{a.weight_bits} bits",
            round(a.this_machine_accuracy, 2),
            round(100 * a.agreement, 2),
        )
        for a in found
    ]
    print_table(columns, rows, f"Run on every image, on the device and on this machine, {found[0].this_machine}")
    for a in found:
        _tell_saturating(a)
    best = max(found, key=lambda a: a.accuracy)
    then = f"edgenas verify {' '.join(map(str, files))} --budget-ms MS"
    print_summary({"files": len(found), "next": then}, f"{best.file}: {best.accuracy:.2f} % on the device")


def _tell_saturating(a: AccuracyOnDevice) -> None:
    """Print a message for an ONNX file of 8-bit weights where sums of 8-bit products saturate on the device."""
    from edgenas.devices.facts import int8_products

    if a.file.endswith(".onnx") and a.weight_bits == 8 and int8_products.exact(a.on.int8_isa) is False:
        talk(
            f"{a.file}: sums of 8-bit products saturate on {a.on}; export it again for that device: edgenas export "
            f"... --precision int8 --device {a.on.device}"
        )
