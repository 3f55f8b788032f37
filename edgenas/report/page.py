"""One self-contained HTML page of a run: figures drawn here as SVG, tables that read without JavaScript, no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from blocks.architecture import Architecture
from edgenas.report.drawing import templates
from edgenas.report.files import VerdictData
from edgenas.report.gather import Material
from edgenas.report.html import data_element, h, number, render
from edgenas.report.networks import Catalogue, members
from edgenas.report.parts import between, swatch
from edgenas.report.sections.blocks import blocks_section
from edgenas.report.sections.drift import drift_section
from edgenas.report.sections.front import Front, front, front_section
from edgenas.report.sections.progress import progress_section
from edgenas.report.sections.provenance import failures_section, provenance_section
from edgenas.report.sections.sums import sums_section
from edgenas.report.sections.winner import winner_section
from edgenas.report.series import Series, all_series

THEMES = ("auto", "light", "dark")


def page(material: Material, *, above: Sequence[Element] = (), live: bool = False) -> str:
    """The page as text. ``above`` comes first; ``live`` lets it ask the server it came from for what is new, and
    nothing else."""
    series = all_series(material)
    catalogue = Catalogue()
    fronts, spaces = _fronts(material, series, catalogue)
    timed = [(_series_of(v, series), v) for v in _shipped(material)]
    shown = [
        front_section(fronts, catalogue, series) if fronts else None,
        _winner(fronts, spaces, series),
        sums_section(series, timed),
        blocks_section(series),
        drift_section(series),
        progress_section(list(material.searches.values()), material.trials),
        failures_section(series),
        provenance_section(material, series),
    ]
    sections = [part for part in shown if part is not None]
    main = h("main", *above, _tiles(material, fronts), _filter(series), sections, id="top")
    if catalogue.networks:
        main.append(templates(catalogue))
        main.append(data_element("data", _data(catalogue, series, fronts)))
    return _document(_title(fronts, series), _header(fronts, series, sections, live), main, _filters(series), live)


def _fronts(
    material: Material, series: Sequence[Series], catalogue: Catalogue
) -> tuple[list[Front], list[dict[str, Architecture]]]:
    finalists = [v for demo in material.demos for v in demo.finalists]
    winner = material.demos[0].winner if material.demos else None
    fronts, spaces = [], []
    for i, search in enumerate(material.searches.values()):
        networks = members(search)
        own = winner if winner in networks else search.winner.key
        timed = [v.model_copy(update={"key": v.file}) for v in finalists if v.file in networks]
        shipped = [demo.verdicts[0].model_copy(update={"key": demo.winner}) for demo in material.demos
                   if demo.verdicts and demo.winner in networks]  # fmt: skip
        fronts.append(front(search, networks, catalogue, series, [*timed, *shipped], own, f"{i}/" if i else ""))
        spaces.append(networks)
    return fronts, spaces


def _winner(
    fronts: Sequence[Front], spaces: Sequence[dict[str, Architecture]], series: Sequence[Series]
) -> Element | None:
    if not fronts or fronts[0].winner not in spaces[0]:
        return None
    return winner_section(spaces[0][fronts[0].winner], series)


def _shipped(material: Material) -> list[VerdictData]:
    return [v for demo in material.demos for v in demo.verdicts] + material.verdicts


def _series_of(verdict: VerdictData, series: Sequence[Series]) -> int:
    fits = [s.index for s in series if s.runtime == verdict.runtime and verdict.device in s.devices]
    return fits[0] if fits else 0


def _tiles(material: Material, fronts: Sequence[Front]) -> Element | None:
    """The answer in four numbers."""
    tiles: list[tuple[str, str, str, str]] = []
    for verdict in _shipped(material)[:2]:
        state = {True: "inside", False: "outside", None: ""}[verdict.within_budget]
        note = f"{between(verdict.low_ms, verdict.high_ms)}, 95 % · {verdict.device}, {verdict.runtime}"
        tiles.append((verdict.file, f"{number(verdict.measured_ms)} ms", note, ""))
        if verdict.budget_ms is not None:
            tiles.append(
                ("budget", f"{number(verdict.budget_ms)} ms", f"{state}: the interval's upper end counts", state)
            )
    for demo in material.demos[:1]:
        tiles.append(("accuracy", f"{demo.accuracy:.1f} %", "on test images, by running the file", ""))
    if not tiles and fronts:
        best = fronts[0].search.winner
        unit = fronts[0].search.unit
        tiles.append(("winner", best.key, f"within {number(best.budget)} {unit}", ""))
        tiles.append(("accuracy", f"{best.accuracy:.1f} %", "as judged", ""))
        note = "predicted" if not best.interval else f"{between(best.interval[0], best.interval[-1])}, 95 %, predicted"
        tiles.append(("cost", f"{number(best.cost)} {unit}", note, ""))
    if not tiles:
        return None
    boxes = [
        h("div", h("span", name, class_="name"), h("strong", value), h("span", note, class_="note"),
          class_=f"tile {state}".strip())
        for name, value, note, state in tiles
    ]  # fmt: skip
    return h("div", boxes, class_="tiles")


def _filter(series: Sequence[Series]) -> Element | None:
    """Boxes to tick; CSS does the hiding, so that they work without JavaScript."""
    if len(series) < 2:
        return None
    boxes = [h("label", h("input", type="checkbox", id=f"show-{s.index}", checked=True), swatch(s.index), s.label)
             for s in series]  # fmt: skip
    return h("fieldset", h("legend", "Show"), boxes, class_="filter")


def _filters(series: Sequence[Series]) -> str:
    return "".join(
        f':root:has(#show-{s.index}:not(:checked)) [data-series="{s.index}"]{{display:none}}' for s in series
    )


def _data(catalogue: Catalogue, series: Sequence[Series], fronts: Sequence[Front]) -> dict[str, object]:
    judged = {j.number: j for f in reversed(fronts) for j in f.judged if j.number is not None}
    return {
        "series": [s.label for s in series],
        "ms": [[s.ms(block) for s in series] for block in catalogue.blocks],
        "own": fronts[0].own or 0,
        "networks": [
            {"key": network.name if found is None else found.key, "accuracy": None if found is None else found.accuracy,
             "macs": network.macs, "params": network.params, "blocks": [catalogue.number(b) for b in network.blocks]}
            for network, found in ((network, judged.get(i)) for i, network in enumerate(catalogue.networks))
        ],
    }  # fmt: skip


def _title(fronts: Sequence[Front], series: Sequence[Series]) -> str:
    if fronts:
        return f"{fronts[0].search.space.name}: the search and its proof"
    return f"Latency of blocks on {series[0].label}" if series else "Nothing measured yet"


def _header(fronts: Sequence[Front], series: Sequence[Series], sections: Sequence[Element], live: bool) -> Element:
    links = [h("li", h("a", part[0].text or "", href=f"#{part.get('id')}")) for part in sections]
    themes = [h("label", h("input", type="radio", name="theme", id=f"theme-{name}", value=name, checked=name == "auto"),
                name.capitalize()) for name in THEMES]  # fmt: skip
    state = h("p", "", id="live", role="status") if live else None
    return h(
        "header",
        h("div", h("p", "edgenas", class_="brand"), h("fieldset", h("legend", "Theme", class_="unseen"), themes,
                                                       class_="themes"), class_="bar-top"),
        h("h1", _title(fronts, series)),
        state,
        h("nav", h("ul", links), aria_label="Sections"),
    )  # fmt: skip


def _document(title: str, header: Element, main: Element, filters: str, live: bool) -> str:
    static = files("edgenas.report") / "static"
    style = (static / "page.css").read_text(encoding="utf-8") + filters
    script = (static / "page.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        f"base-uri 'none'; form-action 'none'" + ("; connect-src 'self'" if live else "")
    )
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=policy),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="color-scheme", content="light dark"),
        h("meta", name="referrer", content="no-referrer"),
        h("link", rel="icon", href="data:,"),
        h("title", f"{title} · edgenas"),
        h("style", style),
        h("noscript", h("meta", http_equiv="refresh", content="10")) if live else None,
    )
    skip = h("a", "Skip to the results", href="#top", class_="skip-link")
    body = h("body", skip, header, main, h("div", id="tip", hidden=True, aria_hidden="true"), h("script", script))
    return "<!doctype html>\n" + render(h("html", head, body, lang="en", data_live="1" if live else None)) + "\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
