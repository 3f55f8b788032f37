"""The report of a run: one self-contained HTML page with SVG figures, readable without JavaScript and offline."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from edgenas.blocks.architecture import Architecture
from edgenas.profiler.verdict import Verdict
from edgenas.report.drawing import templates
from edgenas.report.html import data_element, h, render
from edgenas.report.judged import MOST_POINTS, FrontFigure, Timed, front, shown_keys
from edgenas.report.networks import Catalogue, members
from edgenas.report.sections.adaptive import adaptive_section
from edgenas.report.sections.blocks import blocks_section
from edgenas.report.sections.compare import compare_section, run_names
from edgenas.report.sections.delegates import delegates_section
from edgenas.report.sections.drift import drift_section
from edgenas.report.sections.front import front_section
from edgenas.report.sections.front_figure import slider_data
from edgenas.report.sections.limits import limits_section
from edgenas.report.sections.missing import missing_section
from edgenas.report.sections.model import model_section
from edgenas.report.sections.progress import progress_section
from edgenas.report.sections.provenance import failures_section, provenance_section
from edgenas.report.sections.sums import sums_section
from edgenas.report.sections.sustained import sustained_section
from edgenas.report.sections.tables import tables_section
from edgenas.report.sections.trust import trust_section
from edgenas.report.sections.verified import verified_section
from edgenas.report.sections.winner import winner_section
from edgenas.report.series import Series, all_series, series_of
from edgenas.report.top import device_filter, filter_rules, tiles
from edgenas.report.verdict_line import verdict_lines
from edgenas.runs.gather import RunFiles
from edgenas.search.scale import accuracy_text

THEMES = ("auto", "light", "dark")
SCRIPTS = ("tables.js", "slider.js", "page.js")  #: in this order; together one script


def page(material: RunFiles, *, above: Sequence[Element] = (), live: bool = False) -> str:
    """Return the page as HTML text. ``above`` comes first. With ``live``, the page polls its own server for changes
    and may connect to nothing else."""
    series = all_series(material)
    catalogue = Catalogue()
    fronts, spaces = _fronts(material, series, catalogue)
    shipped = _shipped(material)
    timed = [(series_of(v, series), v) for v in shipped]
    searches = list(material.searches.values())
    shown = [
        compare_section(material, shipped),
        front_section(fronts, catalogue, series) if fronts else None,
        delegates_section(fronts),
        limits_section(searches),
        _winner(fronts, spaces, series, timed if len(material.runs) == 1 else ()),
        trust_section(searches),
        verified_section(timed, series),
        None if live else model_section(material.models, shipped),
        sums_section(series, [(index or 0, v) for index, v in timed]),
        sustained_section(material.sustained),
        adaptive_section(material.menus, material.menu_trials, searches),
        tables_section(series),
        blocks_section(series),
        drift_section(series),
        progress_section(searches, material.trials),
        failures_section(series),
    ]
    sections = [part for part in shown if part is not None]
    left_out = None if live else missing_section(material, series, [part.get("id", "") for part in sections])
    sections += [part for part in (left_out, provenance_section(material, series)) if part is not None]
    lines = verdict_lines(shipped, material.runs, fronts, series, run_names(material))
    main = h(
        "main", lines, *above, tiles(shipped, material.runs, fronts, series), device_filter(series), sections, id="top"
    )
    if fronts:
        main.append(templates(catalogue))
        main.append(data_element("data", _data(catalogue, series, fronts)))
    return _document(_title(fronts, series), _header(fronts, series, sections, live), main, filter_rules(series), live)


def _fronts(
    material: RunFiles, series: Sequence[Series], catalogue: Catalogue
) -> tuple[list[FrontFigure], list[dict[str, Architecture]]]:
    finalists = [finalist for run in material.runs for finalist in run.finalists]
    most = MOST_POINTS // max(1, len(series))
    fronts, spaces = [], []
    for i, search in enumerate(material.searches.values()):
        judged = {trial.key: trial.accuracy for trial in search.trials}
        own = search.answer.key
        keys = shown_keys(search, [own, *(f.key for f in finalists if f.key in judged)], most)
        networks = members(search, keys)
        timed = [Timed(f.key, f.accuracy, f.verdict) for f in finalists if f.key in networks]
        timed += [
            Timed(run.winner, judged.get(run.winner), run.shipped, True, None if search.score else run.accuracy)
            for run in material.runs
            if run.shipped is not None and run.winner == own
        ]
        fronts.append(front(search, networks, keys, catalogue, series, timed, own, f"{i}/" if i else ""))
        spaces.append(networks)
    return fronts, spaces


def _winner(
    fronts: Sequence[FrontFigure],
    spaces: Sequence[dict[str, Architecture]],
    series: Sequence[Series],
    timed: Sequence[tuple[int | None, Verdict]],
) -> Element | None:
    """Return the section of the first search whose winner consists of blocks that a table holds; None without."""
    for one, networks in zip(fronts, spaces, strict=True):
        made = winner_section(networks[one.winner], series, one.own, timed) if one.winner in networks else None
        if made is not None:
            return made
    return None


def _shipped(material: RunFiles) -> list[Verdict]:
    """Return one verdict per timed file: a bundle records it in two files, and the record with its setting is used."""
    found: dict[tuple[str, str, str, float], Verdict] = {}
    for v in (*(v for run in material.runs for v in run.verdicts), *material.verdicts):
        name = (v.file, v.device, v.runtime, v.measured_ms)
        if name not in found or v.setting is not None:
            found[name] = v
    return list(found.values())


def _data(catalogue: Catalogue, series: Sequence[Series], fronts: Sequence[FrontFigure]) -> dict[str, object]:
    judged = {j.number: j for f in reversed(fronts) for j in f.judged if j.number is not None}
    accuracies = {
        j.number: accuracy_text(j.accuracy, f.search.score)
        for f in reversed(fronts)
        for j in f.judged
        if j.number is not None
    }
    return {
        "series": [s.label for s in series],
        "ms": [[_short(s.ms(block)) for s in series] for block in catalogue.blocks],
        "ways": [s.way for s in series],
        "fixed": [_short(s.fixed_ms) for s in series],
        "own": fronts[0].own or 0,
        "figures": [slider_data(front) for front in fronts],
        "networks": [
            {
                "key": network.name if found is None else found.key,
                "accuracy": accuracies.get(i),
                "macs": network.macs,
                "params": network.params,
                "blocks": [catalogue.number(b) for b in network.blocks],
            }
            for i, network, found in ((i, network, judged.get(i)) for i, network in enumerate(catalogue.networks))
        ],
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _title(fronts: Sequence[FrontFigure], series: Sequence[Series]) -> str:
    if fronts:
        return f"{fronts[0].search.space.name}: search result and measurements"
    more = f" and {len(series) - 1} more" if len(series) > 1 else ""
    return f"Latency of blocks on {series[0].label}{more}" if series else "Nothing measured yet"


def _header(
    fronts: Sequence[FrontFigure], series: Sequence[Series], sections: Sequence[Element], live: bool
) -> Element:
    links = [h("li", h("a", part[0].text or "", href=f"#{part.get('id')}")) for part in sections]
    themes = [
        h(
            "label",
            h("input", type="radio", name="theme", id=f"theme-{name}", value=name, checked=name == "auto"),
            name.capitalize(),
        )
        for name in THEMES
    ]
    state = h("p", "", id="live", role="status") if live else None
    return h(
        "header",
        h(
            "div",
            h("p", "edgenas", class_="brand"),
            h("fieldset", h("legend", "Theme", class_="unseen"), themes, class_="themes"),
            class_="bar-top",
        ),
        h("h1", _title(fronts, series)),
        state,
        h("nav", h("ul", links), aria_label="Sections"),
    )


def _document(title: str, header: Element, main: Element, filters: str, live: bool) -> str:
    static = files("edgenas.report") / "static"
    style = "".join((static / name).read_text(encoding="utf-8") for name in ("plot.css", "page.css")) + filters
    script = "".join((static / name).read_text(encoding="utf-8") for name in SCRIPTS)
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
