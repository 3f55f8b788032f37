"""Make a menu: choose networks, take or train their weights, export, run and time each file, write the folder.

search -> front -> choice -> weights, each with its own statistics -> files, run on images -> timed whole -> folder
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.adaptive.candidates import MARGIN, ChosenMenu
from edgenas.adaptive.device.policy import Policy
from edgenas.adaptive.files import ExportedMember, export_member, menu_files, with_content
from edgenas.adaptive.members import MemberSource
from edgenas.adaptive.packing import RECIPES, STORE, packed
from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.size import axes
from edgenas.profiler.verdict import Verdict
from edgenas.profiler.verify import runtime_of, verify_files
from edgenas.runs.menu import MenuNetwork, SavedMenu
from edgenas.training.sizes import at_size

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.setting import Setting
    from edgenas.profiler.export.quantize import Precision
    from edgenas.search.space import Space
    from edgenas.training.data import ImageData

PROCESSES = 4  #: fresh processes that time the networks


@dataclass(frozen=True)
class MenuRequest:
    """A request of a menu.

    setting     setting of the latency table
    statistic   statistic of a network's time
    formats     formats of the files; the first is timed
    work        folder for trainings that were stopped
    """

    space: Space
    budget_ms: float
    nets: int
    slowdown: float
    entry: Entry
    setting: Setting
    statistic: str
    precision: Precision = "fp32"
    formats: tuple[str, ...] = ("tflite",)
    pack: bool = False
    force: bool = False


@dataclass(frozen=True, eq=False)
class MadeMenu:
    """A menu that was made, and not yet written: the content of ``menu.json``, the networks in its order, and the files
    of a packed menu."""

    saved: SavedMenu
    members: tuple[ExportedMember, ...]
    verdicts: tuple[Verdict, ...]
    store: Mapping[str, bytes] = field(default_factory=dict)


def make_menu(
    request: MenuRequest, chosen: ChosenMenu, source: MemberSource, folder: Path, listener: Listener = SILENT
) -> MadeMenu:
    """Make the networks of a menu; ``folder`` holds their files meanwhile.

    Networks that another network of the menu beats in both time and accuracy are left out, and those outside the
    budget. OutcomeError where fewer than two are left.
    """
    from edgenas.profiler.target import target_of
    from edgenas.ship.preprocessing import Preprocessing

    space, entry = request.space, request.entry
    members = []
    reduce_range = request.precision == "int8" and "onnx" in request.formats and target_of(entry).reduce_range
    listener.step(f"weights of {len(chosen.chosen)} networks ({source.name}), their files and accuracies")
    choices = [each.choice for each in chosen.chosen]
    for number, member in enumerate(source.members(space, choices), 1):
        architecture = space.architecture(member.choice)
        data = at_size(source.data, architecture.in_size)
        members.append(
            export_member(
                member,
                architecture,
                data,
                folder / f"{number}",
                request.formats,
                request.precision,
                Preprocessing.of(data),
                entry,
                reduce_range,
                listener.quiet(),
            )
        )
        listener.progress(number, len(choices), space.key(member.choice), name="networks exported and run on images")
        shutil.rmtree(folder / f"{number}")
    listener.step(f"timing {len(members)} networks whole on {entry.name}")
    verdicts = _timed(request, members, listener)
    order = _kept(members, verdicts, request, listener)
    kept, times = [members[i] for i in order], [verdicts[i] for i in order]
    names = [f"net-{number}" for number in range(1, len(kept) + 1)]
    store: dict[str, bytes] = {}
    if request.pack:
        listener.step("packing the weights that the networks share")
        kept, store = _packed(space, kept, names, source.data)
    predicted = {each.choice: each.ms for each in chosen.chosen}
    data = at_size(source.data, kept[0].architecture.in_size)
    policy = Policy([1.0], 1.0)
    networks = tuple(
        MenuNetwork(
            name=name,
            key=space.key(one.member.choice),
            macs=one.architecture.macs,
            params=one.architecture.params,
            ms=verdict.measured_ms,
            low_ms=verdict.low_ms,
            high_ms=verdict.high_ms,
            p90_ms=verdict.p90_ms,
            predicted_ms=predicted[one.member.choice],
            accuracy=files[request.formats[0]].accuracy,
            judged=one.member.judged,
            test_accuracy=one.test_accuracy,
            files=files,
        )
        for name, one, verdict, files in zip(
            names, kept, times, menu_files(kept, names, request.precision), strict=True
        )
    )
    saved = SavedMenu(
        space=space.name,
        data=data.name,
        weights=source.name,
        input=(1, *axes(data.in_size), data.channels),
        classes=data.classes,
        precision=request.precision,
        threads=request.setting.threads,
        budget_ms=request.budget_ms,
        slowdown=request.slowdown,
        device=entry.name,
        runtime=times[0].runtime,
        statistic=request.statistic,
        setting=times[0].setting,
        policy={"quantile": policy.quantile, "fast": policy.fast, "slow": policy.slow, "margin": policy.margin},
        front=chosen.front,
        front_networks=chosen.networks,
        losses={str(number): loss for number, loss in chosen.menu.losses.items()},
        networks=networks,
        pack={"store": STORE, "recipes": RECIPES} if request.pack else None,
    )
    return MadeMenu(saved, tuple(kept), tuple(times), store)


def _packed(
    space: Space, members: Sequence[ExportedMember], names: Sequence[str], data: tuple[ImageData, ...]
) -> tuple[list[ExportedMember], dict[str, bytes]]:
    """Return the networks with the content of their packed files, which are run on the images again, and the files of
    the store."""
    from edgenas.adaptive.device.pack import unpacked

    files = [f"{name}.tflite" for name in names]
    store = packed(space, [each.member for each in members], files, [each.contents["tflite"] for each in members])
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for name, content in store.items():
            (Path(folder) / name).write_bytes(content)
        for name, member in zip(files, members, strict=True):
            content = unpacked(Path(folder), {"store": STORE, "recipes": RECIPES}, name)
            made.append(with_content(member, content, at_size(data, member.architecture.in_size)))
    return made, store


def _timed(request: MenuRequest, members: Sequence[ExportedMember], listener: Listener) -> list[Verdict]:
    """Time the networks' first files whole, interleaved, in the setting of the table."""
    from edgenas.ship.finish import plan_for

    format, entry = request.formats[0], request.entry
    files = {f"{number}.{format}": one.contents[format] for number, one in enumerate(members)}
    runtime = runtime_of(Path(f"net.{format}"), entry)
    return verify_files(
        entry,
        files,
        runtime,
        plan=plan_for(request.setting, entry, request.precision),
        processes=PROCESSES,
        statistic=request.statistic,
        force=request.force,
        memory=False,
        listener=listener.named(f"{runtime}, whole"),
    )


def _kept(
    members: Sequence[ExportedMember], verdicts: Sequence[Verdict], request: MenuRequest, listener: Listener
) -> list[int]:
    """Return the networks that are inside the budget with the policy's margin, each more accurate than all faster
    ones, in order of time."""
    format, kept = request.formats[0], list[int]()
    for i in sorted(range(len(members)), key=lambda i: (verdicts[i].measured_ms, -members[i].facts[format].accuracy)):
        name = members[i].architecture.name
        if verdicts[i].measured_ms * MARGIN > request.budget_ms:
            listener.message(
                f"{name} is left out: {verdicts[i].measured_ms:.4g} ms with the policy's margin of "
                f"{100 * (MARGIN - 1):.0f} % is outside {request.budget_ms:g} ms"
            )
        elif kept and members[i].facts[format].accuracy <= members[kept[-1]].facts[format].accuracy:
            listener.message(
                f"{name} is left out: {members[kept[-1]].architecture.name} is faster and not less accurate"
            )
        else:
            kept.append(i)
    if len(kept) < 2:
        raise OutcomeError(
            f"{len(kept)} of {len(members)} networks are of use in {request.budget_ms:g} ms on {request.entry.name}; "
            "a menu needs two: give a larger --budget-ms, more --nets, or a judge that trains longer"
        )
    return kept
