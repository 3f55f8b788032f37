"""The section "Missing parts": what the page leaves out, the reason, and the command that adds it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from xml.etree.ElementTree import Element

from edgenas.report.html import h
from edgenas.report.parts import section
from edgenas.report.series import Series
from edgenas.runs.gather import RunFiles


def missing_section(material: RunFiles, series: Sequence[Series], there: Collection[str]) -> Element | None:
    """Return the section; None if nothing is missing. ``there`` are the ids of the sections that the page has."""
    lines = [
        h("li", h("strong", name), f": {why}", [" ", h("code", command, class_="command")] if command else None)
        for part, name, why, command in _reasons(material, series)
        if part not in there
    ]
    if not lines:
        return None
    return section(
        "missing",
        "Missing parts",
        "Parts of the page that the given files hold no data for, and the command that adds each.",
        h("ul", lines, class_="missing"),
    )


def _reasons(material: RunFiles, series: Sequence[Series]) -> list[tuple[str, str, str, str]]:
    """Return (id of the section, its title, why it is missing, command that adds it)."""
    searched = bool(material.searches)
    table = next((s.path.name for s in series if s.journal), "TABLE")
    space = next((s.space.name for s in material.searches.values()), "SPACE")
    search = f"edgenas search {space} --table {table} --budget-ms MS --accuracy JUDGE"
    supernet = any(s.accuracy.startswith("supernet") for s in material.searches.values())
    found = [
        ("front", "Accuracy against latency", "no search is among the files.", search),
        (
            "winner",
            "Latency by block",
            "no table holds all blocks of the network found." if searched else "no search is among the files.",
            f"edgenas profile {space}" if searched else search,
        ),
        (
            "limits",
            "Active limits",
            "the search does not record the limits of its networks." if searched else "no search is among the files.",
            search,
        ),
        ("verified", "Files on the device", "no file was timed on a device.", "edgenas verify model.tflite --json"),
        (
            "model",
            "The model file",
            "no file of a run lies beside its run.json." if material.runs else "no run is among the files.",
            "edgenas report FOLDER",
        ),
        (
            "sums",
            "Predicted against measured",
            "no table was validated on whole networks.",
            f"edgenas table validate {table} --space {space}",
        ),
        (
            "sustained",
            "Under sustained load",
            "no file was run under load for minutes.",
            "edgenas verify model.tflite --sustained 10m",
        ),
        ("tables", "Devices and runtimes", "no latency table is among the files.", f"edgenas profile {space}"),
        ("blocks", "Latency of every block alone", "no latency table is among the files.", f"edgenas profile {space}"),
        (
            "drift",
            "Drift and temperature",
            "imported tables hold no samples." if series else "no latency table is among the files.",
            f"edgenas profile {space}",
        ),
    ]
    if supernet:
        why = "no networks were trained alone for comparison with the supernet."
        found.append(("trust", "Accuracy of the judge's ranking", why, "edgenas search … --stand-alone 12"))
    return found
