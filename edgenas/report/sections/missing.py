"""What the page could show and does not, each with why and what to type."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from xml.etree.ElementTree import Element

from edgenas.report.html import h
from edgenas.report.parts import section
from edgenas.report.series import Series
from edgenas.runs.gather import RunFiles


def missing_section(material: RunFiles, series: Sequence[Series], there: Collection[str]) -> Element | None:
    """``there`` are the sections the page has. None where nothing is left out."""
    lines = [
        h("li", h("strong", name), f": {why}", [" ", h("code", command)] if command else None)
        for part, name, why, command in _reasons(material, series)
        if part not in there
    ]
    if not lines:
        return None
    return section(
        "missing",
        "What is not here",
        "Parts that these files say nothing of, and what would.",
        h("ul", lines, class_="missing"),
    )


def _reasons(material: RunFiles, series: Sequence[Series]) -> list[tuple[str, str, str, str]]:
    """(section, what it would show, why it does not, what to type)."""
    searched = bool(material.searches)
    table = next((s.path.name for s in series if s.journal), "TABLE")
    space = next((s.space.name for s in material.searches.values()), "SPACE")
    search = f"edgenas search {space} --table {table} --budget-ms MS --accuracy JUDGE"
    supernet = any(s.accuracy.startswith("supernet") for s in material.searches.values())
    found = [
        ("front", "Accuracy against latency", "no search is among the files.", search),
        (
            "winner",
            "Where the time goes",
            "no table here holds all blocks of the network found." if searched else "no search is among the files.",
            f"edgenas profile {space}" if searched else search,
        ),
        (
            "limits",
            "What binds",
            "the search does not say what its networks have of their limits."
            if searched
            else "no search is among the files.",
            search,
        ),
        ("verified", "Files on the device", "no file was timed whole.", "edgenas verify model.tflite --json"),
        (
            "sums",
            "Predicted against measured",
            "no table was validated on whole networks.",
            f"edgenas table validate {table} --space {space}",
        ),
        (
            "sustained",
            "Under sustained load",
            "no file was run for minutes.",
            "edgenas verify model.tflite --sustained 10m",
        ),
        ("tables", "Devices and runtimes", "no latency table is among the files.", f"edgenas profile {space}"),
        ("blocks", "Blocks in each setting", "no latency table is among the files.", f"edgenas profile {space}"),
        (
            "drift",
            "Drift and temperature",
            "imported tables hold no samples." if series else "no latency table is among the files.",
            f"edgenas profile {space}",
        ),
    ]
    if supernet:
        why = "no networks were trained alone beside the supernet."
        found.append(("trust", "How far the judge can be trusted", why, "edgenas search … --stand-alone 12"))
    return found
