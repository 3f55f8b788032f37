"""Write the folder of a menu: one folder with everything that the program on the device needs.

net-1.tflite, net-2.tflite ...           the networks, in order of time; or pack.bin and pack.json
menu.json                                the menu: files, times, accuracies, policy
adaptive.py                              the program
labels.txt, preprocessing.json           classes, and conversion of an image to the input
card.md, verification.jsonl              the card, and the times of the networks with their setting
bundle.json, MANIFEST                    version of the layout; sha256 of every file
"""

from __future__ import annotations

import shutil
from pathlib import Path

from edgenas.adaptive.card import menu_card
from edgenas.adaptive.make import MadeMenu
from edgenas.adaptive.program import PROGRAM, program
from edgenas.base.files import write_whole
from edgenas.blocks.labels import labels_text
from edgenas.bundle.write import check_out
from edgenas.profiler.verdict import Verdict
from edgenas.runs.bundle import BUNDLE, BundleRecord, write_manifest
from edgenas.runs.layout import BUNDLE as BUNDLE_FILE
from edgenas.runs.layout import CARD, LABELS, PREPROCESSING
from edgenas.runs.layout import VERIFICATION as VERIFICATION_FILE
from edgenas.runs.menu import MENU, MENU_FILE
from edgenas.runs.preprocessing import PREPROCESSING as PREPROCESSING_KIND
from edgenas.runs.verification import VERIFICATION
from edgenas.ship.preprocessing import Preprocessing


def write_menu(made: MadeMenu, preprocessing: Preprocessing, out: Path) -> list[str]:
    """Write the folder ``out``, whole or not at all; return the names of its files. InputError where it exists."""
    check_out(out)
    part = out.with_name(f".{out.name}.partial")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        names = _write_networks(made, part)
        MENU.write(part / MENU_FILE, made.saved)
        write_whole(part / PROGRAM, program())
        write_whole(part / LABELS, labels_text(preprocessing.labels))
        PREPROCESSING_KIND.write(part / PREPROCESSING, preprocessing.saved({}))
        write_whole(part / CARD, menu_card(made.saved))
        VERIFICATION.write_lines(part / VERIFICATION_FILE, _verdicts(made))
        BUNDLE.write(part / BUNDLE_FILE, BundleRecord(made.saved.space, tuple(names)))
        write_manifest(part)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(path.name for path in out.iterdir())


def _write_networks(made: MadeMenu, folder: Path) -> list[str]:
    for name, content in made.store.items():
        write_whole(folder / name, content)
    if made.store:
        return list(made.store)
    names = []
    for network, member in zip(made.saved.networks, made.members, strict=True):
        for format, file in network.files.items():
            write_whole(folder / file.name, member.contents[format])
            names.append(file.name)
    return names


def _verdicts(made: MadeMenu) -> list[Verdict]:
    """Return the verdicts with the names of the files in the folder. A menu has no budget for each of them."""
    from dataclasses import replace

    names = [next(iter(network.files.values())).name for network in made.saved.networks]
    return [replace(verdict, file=name) for verdict, name in zip(made.verdicts, names, strict=True)]
