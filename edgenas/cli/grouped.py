"""Options of a verb in groups, for verbs that have many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

#: options that every verb has, under this heading
COMMON = "This command"

SEARCH = {
    "Space": ("--in-size", "--classes", "--channels"),
    "Budgets and limits": (
        "--budget-ms", "--budget-macs", "--budget-params", "--budget-mb", "--budget-memory-mb", "--also", "--limit",
    ),
    "Latency table": ("--table", "--statistic", "--uncertainty", "--predict", "--unvalidated"),
    "Accuracy": (
        "--accuracy", "--score", "--images", "--train-on", "--stand-alone", "--pretrained", "--pretrained-as",
    ),
    "Search": ("--algorithm", "--set", "--max-trials", "--seed", "--out"),
    "Where networks are judged": ("--workers", "--ray", "--ray-cpus", "--ray-gpus"),
    "Measuring winners again": ("--remeasure", "--remeasure-rounds", "--inventory", "--force"),
}  # fmt: skip
SHIP = {
    "Images and space": ("--images", "--in-size", "--channels"),
    "Budget": ("--budget-ms", "--uncertainty", "--limit"),
    "Device": ("--device", "--inventory", "--force", "--delegate", "--partial", "--software"),
    "Latency table": ("--table", "--held-out"),
    "Search": ("--accuracy", "--algorithm", "--max-trials", "--set", "--seed"),
    "Training": ("--train", "--train-on", "--workers", "--pretrained", "--pretrained-as", "--from-scratch-too"),
    "Files": ("--precision", "--reduce-range", "--out"),
}
PROFILE = {
    "Space or network": ("--in-size", "--classes", "--channels", "--block"),
    "Devices": ("--device", "--pool", "--inventory", "--force"),
    "Setting": (
        "--runtime", "--precision", "--threads", "--core", "--delegate", "--partial", "--software", "--only-delegated",
    ),
    "Precision of measurements": (
        "--within", "--statistic", "--rounds", "--processes", "--most-processes", "--cold-kib", "--chains",
    ),
    "Table": ("--out",),
    "Fewer measurements": (
        "--for-search", "--budget-ms", "--accuracy", "--score", "--from", "--blocks", "--networks", "--whole",
    ),
}  # fmt: skip


class GroupedCommand(click.Command):
    """Command whose help lists its options under the headings of ``groups``: heading -> options. The others stand under
    COMMON."""

    groups: Mapping[str, Sequence[str]] = {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group."""
        records = {each.opts[-1]: each.get_help_record(ctx) for each in self.get_params(ctx)}
        grouped = {name for options in self.groups.values() for name in options}
        others = [name for name in records if name not in grouped]
        for heading, options in {**self.groups, COMMON: others}.items():
            rows = [record for name in options if (record := records.get(name)) is not None]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def grouped(groups: Mapping[str, Sequence[str]]) -> type[GroupedCommand]:
    """Return the class of a command with these groups of options."""
    return type("Grouped", (GroupedCommand,), {"groups": groups})
