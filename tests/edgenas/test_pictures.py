"""Pictures are SVG files that need nothing beside them: what they show, and their style."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from edgenas.base.errors import InputError
from edgenas.report.pictures import FrontPicture, Svg, draw_front, front_figure, table_figure
from tests.edgenas.test_cli import edgenas

SVG = "{http://www.w3.org/2000/svg}"
PICTURE = FrontPicture(
    "a <b> & c",
    [(1.0, 60.0), (2.0, 70.0), (4.0, 75.0)],
    {"mathnas": [(1.5, 58.0), (2.5, 69.0)], "layernas": [(3.0, 66.0)]},
    (2.6,),
    (2.4, 68.0),
    picked={"mathnas": [(2.5, 69.0)]},
)


def marks(svg: Svg, kind: str) -> list[tuple[float, float]]:
    """Where the marks of a class are, in percent of the plot: the ones of the legend are in pixels."""
    found = []
    for holder in fromstring(svg.text).iter(f"{SVG}svg"):
        path = holder.find(f"{SVG}path")
        if path is not None and kind in path.get("class", "").split() and holder.get("x", "").endswith("%"):
            found.append((float(holder.get("x", "").rstrip("%")), float(holder.get("y", "").rstrip("%"))))
    return found


def texts(svg: Svg) -> list[str]:
    return [text.text or "" for text in fromstring(svg.text).iter(f"{SVG}text")]


def test_a_front_shows_networks_budgets_and_the_file() -> None:
    svg = front_figure(PICTURE)
    assert (len(marks(svg, "dot")), len(marks(svg, "ring")), len(marks(svg, "star"))) == (3, 1, 1)
    assert marks(svg, "ring")[0] in marks(svg, "dot")
    assert (first := marks(svg, "dot")[0])[0] < (second := marks(svg, "dot")[1])[0] and first[1] > second[1]
    assert {"a <b> & c", "budget 2.6 ms", "mathnas: judged", "mathnas: best in budget"} < set(texts(svg))
    assert {"front of judged networks", "shipped file, measured", "latency in ms"} < set(texts(svg))
    line = next(p for p in fromstring(svg.text).iter(f"{SVG}path") if "predicted" in p.get("class", ""))
    assert len(re.findall(r"[ML]", line.get("d", ""))) == 5  # three points and the corners between
    assert repr(svg) == "<Svg: a <b> & c>" and svg._repr_svg_() == svg.text


def test_a_predicted_front_has_a_band_and_both_accuracies_a_star() -> None:
    predicted = ((1.0, 61.0, 55.0, 67.0), (3.0, 72.0, 66.0, 78.0))
    svg = front_figure(replace(PICTURE, predicted=predicted, trained=(2.4, 80.0)))
    kinds = [path.get("class", "") for path in fromstring(svg.text).iter(f"{SVG}path")]
    assert kinds.count("band s7") == 1 and kinds.count("line guess s7") == 1
    assert not any(
        "band" in path.get("class", "") for path in fromstring(front_figure(PICTURE).text).iter(f"{SVG}path")
    )
    assert len(marks(svg, "star")) == 2 and len(marks(svg, "judged")) == 1
    judged, trained = marks(svg, "judged")[0], next(m for m in marks(svg, "star") if m not in marks(svg, "judged"))
    assert judged[0] == trained[0] and trained[1] < judged[1]
    assert {"predicted front, 95 % interval", "the same network, trained in full"} < set(texts(svg))


def test_a_score_in_another_unit() -> None:
    told = texts(front_figure(FrontPicture("t", [(1, 1), (2, 2)], {}, (1.5,), unit="MACs", score=True)))
    assert {"score", "MACs", "budget 1.5"} < set(told) and not any("ms" in text for text in told)


def test_a_table_shows_blocks_that_a_setting_lacks() -> None:
    svg = table_figure("t", ["slow", "fast"], {"a": [3.0, 1.0], "b": [None, 2.0]})
    assert len(marks(svg, "dot")) == 3
    names = [text for text in texts(svg) if text in ("slow", "fast")]
    assert names == ["fast", "slow"]  # from below
    assert len(list(fromstring(svg.text).iter(f"{SVG}path"))) == 3 + 1 + 2  # dots, a line between two, the legend


@pytest.mark.parametrize("svg", [front_figure(PICTURE), table_figure("t", ["x"], {"a": [1.0]})], ids=["front", "table"])
def test_the_style_is_complete_and_plain(svg: Svg) -> None:
    root = fromstring(svg.text)
    style = root.findtext(f"{SVG}style") or ""
    assert "var(" not in style and "light-dark" not in style  # which many viewers of pictures do not know
    for mark in root.iter(f"{SVG}path"):
        kind, series = mark.get("class", "").split()[0], mark.get("class", "").split()[-1]
        assert f".{kind}.{series} {{" in style
    assert "http" not in svg.text.replace("http://www.w3.org/2000/svg", "")


def test_only_svg_is_written(tmp_path: Path) -> None:
    draw_front(PICTURE, tmp_path / "front.SVG")
    assert (tmp_path / "front.SVG").read_text() == front_figure(PICTURE).text
    with pytest.raises(InputError, match=r"front.png: pictures are written as SVG only; name it front.svg"):
        draw_front(PICTURE, tmp_path / "front.png")
    done = edgenas("front", "search.json", "--picture", "front.png", cwd=tmp_path, check=2)
    assert "name it front.svg" in done.stderr and not (tmp_path / "front.png").exists()
