"""Accuracies of the user's own: both forms of a row, every damage with its line, and what a partial table allows."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.cli import main
from edgenas.search.accuracy.by_name import open_accuracy
from edgenas.search.accuracy.estimate import EstimateAccuracy
from edgenas.search.accuracy.estimate_by_name import EstimateRequest
from edgenas.search.accuracy.own_table import AccuracyTable
from edgenas.search.problem import Candidate
from edgenas.search.space import Choice, Space
from edgenas.search.spaces import space

MACRO = space("nas_bench_macro", in_size=8)
FREE = [layer for layer in MACRO.layers if len(layer.options) > 1]


def choices(count: int) -> list[Choice]:
    rng = random.Random(0)
    return sorted({MACRO.sample(rng) for _ in range(count)})


def accuracy(choice: Choice) -> float:
    return 60 + sum(choice) / 2


def by_key(some: list[Choice]) -> str:
    return "network,accuracy,sd\n" + "".join(f"{MACRO.key(c)},{accuracy(c)},0.25\n" for c in some)


def by_layer(some: list[Choice]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([*(layer.name for layer in FREE), "accuracy"])
    for choice in some:
        options = [MACRO.layers[i].options[choice[i]].key for i in range(len(choice)) if MACRO.layers[i] in FREE]
        writer.writerow([*options, str(accuracy(choice)).replace(".", ",")])
    return text.getvalue()


def by_number(some: list[Choice]) -> str:
    header = ",".join([*(layer.name for layer in FREE), "accuracy"])
    return "\n".join([header, *(f"{MACRO.key(c).replace('.', ',')},{accuracy(c)}" for c in some)])


FORMS = {
    "key": by_key,
    "layers": by_layer,
    "numbers of options": by_number,
    "json": lambda some: json.dumps({f"{MACRO.name}/{MACRO.key(c)}": accuracy(c) for c in some}),
}


def judge(folder: Path, text: str, where: Space = MACRO, *, score: bool = False) -> AccuracyTable:
    path = folder / "mine.csv"
    path.write_text(text)
    return AccuracyTable(path, where, score=score)


def ask(table: AccuracyTable, some: list[Choice]) -> list[float]:
    return [value for _, value in table.evaluate([Candidate(c, MACRO.architecture(c)) for c in some])]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_accuracies(tmp_path: Path, form: str) -> None:
    some = choices(40)
    table = judge(tmp_path, FORMS[form](some))
    distinct = {MACRO.architecture(c).blocks for c in some}
    assert len(table.rows) == len(some) and len(table.networks) <= len(distinct)
    assert ask(table, table.networks) == pytest.approx([accuracy(c) for c in table.networks])
    assert table.name == judge(tmp_path, FORMS[form](some)).name
    assert table.name != judge(tmp_path, FORMS[form](some[1:])).name, "the journal of other accuracies is another"


def test_keys_of_the_same_network_are_its_trainings(tmp_path: Path) -> None:
    """Two layers of equal shape, one of which is skipped: which one makes no difference."""
    one, other = MACRO.parse("2.2.2.1.0.2.2.2"), MACRO.parse("2.2.2.0.1.2.2.2")
    assert [b for b in MACRO.architecture(one).blocks if b.kind != "skip"] == [
        b for b in MACRO.architecture(other).blocks if b.kind != "skip"
    ]
    table = judge(tmp_path, f"network,accuracy\n{MACRO.key(one)},70\n{MACRO.key(other)},71\n")
    assert ask(table, [one, other]) == [70.5, 70.5] and table.networks == [one]


FIRST, SECOND = (MACRO.key(c) for c in choices(40)[:2])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("accuracy,sd", "percent,sd", "no column accuracy; its columns are network, percent, sd"),
        ("network,", "net,", "neither a column network, such as 0.* nor one for each layer .* it lacks "),
        (f"{FIRST},6", f"{FIRST},x6", "line 2: accuracy is 'x6.*, not a finite number"),
        (f"{FIRST},6", f"{FIRST},-6", r"line 2: accuracy is -6\S*, not a percentage within 0..100; .* add --score"),
        (f"{FIRST},6", f"{FIRST},1e3", r"line 2: accuracy is '1e3"),
        (f"{SECOND},6", f"{SECOND},600", r"line 3: accuracy is 600"),
        ("0.25", "-0.25", "line 2: sd is -0.25"),
        ("0.25", "nan", "line 2: sd is 'nan'"),
        (FIRST, SECOND, f"line 3: network {SECOND} is given twice, first in line 2"),
        (FIRST, "", "line 2: network is empty"),
        (FIRST, "1.1", "line 2: '1.1' is not a network of nas_bench_macro"),
        (FIRST, "9.9.9.9.9.9.9.9", "line 2: space nas_bench_macro, layer .*: option 9 is not one of"),
        (FIRST, "digits/" + FIRST, f"line 2: digits/{FIRST} is a network of digits, not of nas_bench_macro"),
        (by_key(choices(40)), "network,accuracy\n", "it holds no rows"),
        (by_key(choices(40)), f"network,accuracy\n{FIRST},\n", "line 2: accuracy is empty"),
        (by_key(choices(40)), by_number(choices(3)).replace("\n0", "\nMB9", 1), "line 2: .* is 'MB9', not one of"),
    ],
)  # fmt: skip
def test_damage_names_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = by_key(choices(40))
    assert old in text
    with pytest.raises(InputError, match=says) as caught:
        judge(tmp_path, text.replace(old, new, 1))
    assert str(caught.value).startswith(str(tmp_path / "mine.csv"))


def test_scores_have_no_bounds(tmp_path: Path) -> None:
    table = judge(tmp_path, f"network,accuracy\n{FIRST},-7.5\n", score=True)
    assert table.score and ask(table, table.networks) == [-7.5]


def test_a_network_that_the_table_lacks_is_named_with_the_remedy(tmp_path: Path) -> None:
    some = choices(40)
    table = judge(tmp_path, by_key(some[:-1]))
    with pytest.raises(InputError, match=r"/2\.2\.2.* not among the .* networks .*estimate:table:"):
        ask(table, [MACRO.parse("2.2.2.2.2.2.2.2")])


def test_an_estimate_of_a_table_is_fitted_to_its_networks(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(by_key(choices(60)))
    with open_accuracy(f"estimate:table:{path}", MACRO, 0) as found:
        assert isinstance(found, EstimateAccuracy)
        assert found.fitted().networks == len(AccuracyTable(path, MACRO).networks)
        assert found.fitted().half_within < 1
        ((_, value),) = found.evaluate([Candidate(c := MACRO.parse("2.2.2.2.2.2.2.2"), MACRO.architecture(c))])
        assert abs(value - accuracy(c)) < 3
    with open_accuracy(f"estimate:table:{path}", MACRO, 0, estimate=EstimateRequest({"networks": 20})) as few:
        assert isinstance(few, EstimateAccuracy) and few.fitted().networks == 20
    with (
        pytest.raises(InputError, match="networks=2000, but the table has"),
        open_accuracy(f"estimate:table:{path}", MACRO, 0, estimate=EstimateRequest({"networks": 2000})),
    ):
        pass


def test_a_search_takes_the_best_of_a_whole_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command and the function; the deviation of the winner is printed."""
    path = tmp_path / "mine.csv"
    tiny = edgenas.Space("tiny", 8, (*MACRO.layers[:3], *MACRO.layers[-2:]))
    every = [(0, a, b, 0, 0) for a in range(3) for b in range(3)]
    path.write_text("network,accuracy,sd\n" + "".join(f"{a}.{b},{50 + 10 * a + b},0.5\n" for _, a, b, _, _ in every))
    found = edgenas.search(tiny, accuracy=f"table:{path}", budget_macs=1e12)
    assert (found.best.accuracy, found.best.name) == (72, "tiny/2.2")
    assert any("72 with a standard deviation of 0.5 (line 10)" in note for note in found.notes)
    with pytest.raises(InputError, match="is not among the 8 networks"):
        path.write_text(path.read_text().rpartition("2.2")[0])
        edgenas.search(tiny, accuracy=f"table:{path}", budget_macs=1e12)

    path.write_text(by_key(choices(60)))
    args = ["search", "nas_bench_macro", "--in-size", "8", "--budget-macs", "1e12", "-o", str(tmp_path / "s.json")]
    for accuracies, more, code in ((f"estimate:table:{path}", ["--max-trials", "20", "--json"], 0), ("table:", [], 2),
                                   (f"table:{tmp_path}/none.csv", [], 2)):  # fmt: skip
        with pytest.raises(SystemExit) as end:
            main([*args, "--accuracy", accuracies, *more])
        assert (end.value.code or 0) == code
        said = capsys.readouterr()
        assert ("estimate:factors" in said.out) if not code else re_named(said.err)


def re_named(message: str) -> bool:
    return "names no file; write table:" in message or "name a CSV or JSON file of networks" in message


def test_ship_refuses_a_damaged_table_before_it_writes(tmp_path: Path) -> None:
    from tests.support.picture_toys import write_classes

    write_classes(tmp_path / "photos", 4)
    (tmp_path / "mine.csv").write_text("network,accuracy\n0.0,200\n")
    for accuracies, says in ((f"table:{tmp_path}/mine.csv", "line 2: '0.0' is not a network"), ("trian", "'train'")):
        with pytest.raises(InputError, match=says):
            edgenas.ship("nas_bench_macro", images=tmp_path / "photos", budget_ms=1, in_size=8, out=tmp_path / "run",
                         accuracy=accuracies)  # fmt: skip
    assert not (tmp_path / "run").exists()
