"""``edgenas adapt`` on a real supernet of small digits: from a search to a folder, its replay, its trial, its check."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.latency_tables.records import Piece
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.runs.menu import MENU, read_menu
from edgenas.search.spaces import space
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import Device

for _name in ("torch", "ai_edge_litert", "sklearn"):
    pytest.importorskip(_name)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Pi(Device):
    """A device whose blocks take as long as their MACs say."""

    def ms(self, piece: Piece) -> float:
        return sum(0.01 + block.macs / 1e5 for block in piece)


RECIPE = {"supernet": {"epochs": 2, "batch": 64, "drawn": 1, "calibration_images": 128}}
BUDGET_MS = 5.0  #: far above what the networks of 16 pixels take anywhere; the table says 0.5 .. 4 ms


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search."""
    folder = tmp_path_factory.mktemp("adapt")
    write_search(folder)
    return folder


def write_search(folder: Path) -> None:
    """Write images, a table whose times are computed, and a search that a trained supernet judged."""
    from edgenas.training.digits import LEVEL_DEVIATION, LEVEL_MEAN, digits

    data, arrays = digits(16), {}
    for part, key, most in (("train", "train", 960), ("validation", "val", 300), ("test", "test", 200)):
        levels = getattr(data, f"{part}_images")[:most] * LEVEL_DEVIATION + LEVEL_MEAN
        arrays[f"{key}_images"] = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        arrays[f"{key}_labels"] = getattr(data, f"{part}_labels")[:most]
    np.savez(folder / "images.npz", **arrays)
    known, pi = space("digits", in_size=16), Pi()
    with TableWriter(folder / "table.jsonl", SETTING, "0.3.0") as writer:
        writer.append([pi.measure((block,), n, "table", f"p{n}") for block in known.blocks() for n in range(2)])
    edgenas.search(
        "digits", in_size=16, accuracy="supernet", images=folder / "images.npz", table=folder / "table.jsonl",
        unvalidated=True, budget_ms=4.0, algorithms=["random"], options=RECIPE, max_trials=12,
        stand_alone=0, workers=1, out=folder / "search.json",
    )  # fmt: skip


def adapt(searched: Path, out: Path, **more: Any) -> Any:
    settings: dict[str, Any] = {
        "budget_ms": BUDGET_MS, "nets": 5, "images": searched / "images.npz", "options": RECIPE, "slowdown": 8.0,
        "force": True, "workers": 1,
    }  # fmt: skip
    return edgenas.adapt(searched / "search.json", out, **{**settings, **more})


@pytest.fixture(scope="module")
def menu(searched: Path) -> Path:
    adapt(searched, searched / "adaptive", formats=["tflite", "onnx"])
    return searched / "adaptive"


def test_files_have_the_accuracy_of_their_judge(menu: Path) -> None:
    saved = read_menu(menu)
    assert 2 <= len(saved.networks) <= 5 and saved.weights == "supernet" and saved.front == "judged"
    for network in saved.networks:
        assert abs(network.accuracy - network.judged) <= 0.1
        for file in network.files.values():
            content = (menu / file.name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file.sha256 and len(content) == file.bytes
        assert network.low_ms <= network.ms <= network.high_ms
    accuracies = [network.accuracy for network in saved.networks]
    assert accuracies == sorted(accuracies)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "MANIFEST"], cwd=menu, check=True)
    assert f"{len(saved.networks)} networks for 5 ms" in (menu / "card.md").read_text()


def test_statistics_that_members_share_lose(searched: Path) -> None:
    import torch

    from edgenas.search.accuracy.image_task import image_task
    from edgenas.search.accuracy.supernet import SupernetAccuracy
    from edgenas.search.accuracy.supernet_torch import extreme
    from edgenas.training.feed import Feed
    from edgenas.training.network import accuracy_percent

    task = image_task("supernet", searched / "images.npz", searched / "search.json", RECIPE, "cpu", 1)
    assert task is not None
    known = space("digits", in_size=16)
    data = task.read(known)
    judge = SupernetAccuracy(known, data, task.supernet_recipe(), 0, checkpoint=task.checkpoint).full_size()
    choices = [extreme(known, max), *(known.parse(key) for key in ("1.1.1.1.1.1", "3.2.3.2.3.2", "5.3.5.3.4.2"))]
    own = [judge.member(choice) for choice in choices]
    feed = Feed(data[0], data[0].validation_images, data[0].validation_labels, 1, torch.device("cpu"))
    before = [accuracy_percent(module, feed) for module in own]

    def norms(module: torch.nn.Module) -> list[torch.nn.BatchNorm2d]:
        return [layer for layer in module.modules() if isinstance(layer, torch.nn.BatchNorm2d)]

    for module in own[1:]:  # the statistics of the largest, by position, as one shared set would have them
        for mine, largest in zip(norms(module), norms(own[0]), strict=False):
            assert mine.running_mean is not None and largest.running_mean is not None
            if len(mine.running_mean) <= len(largest.running_mean):
                mine.running_mean.copy_(largest.running_mean[: len(mine.running_mean)].clone())
    after = [accuracy_percent(module, feed) for module in own]
    assert after[0] == before[0] and np.mean(after[1:]) < np.mean(before[1:]) - 2


def test_a_packed_menu_runs_and_is_checked(searched: Path, menu: Path) -> None:
    from edgenas.adaptive.device.model import AdaptiveModel, probe_input

    adapt(searched, searched / "packed", pack=True)
    saved = read_menu(searched / "packed")
    assert saved.pack is not None and not list((searched / "packed").glob("*.tflite"))
    model = AdaptiveModel(searched / "packed", cache=searched / "caches")
    scores = model(probe_input(saved.input))
    wanted = next(n.files["tflite"].probe for n in saved.networks if n.name == model.now)
    np.testing.assert_allclose(scores.ravel(), wanted, rtol=1e-4, atol=1e-4)
    for network in saved.networks:
        assert abs(network.accuracy - network.judged) <= 0.1
    checked = edgenas.verify_bundle(searched / "packed", rounds=2, processes=1, most_processes=1, force=True)
    assert not checked.changed and len(checked.files) == len(saved.networks)
    (searched / "packed" / "pack.json").write_text("{}")
    assert edgenas.verify_bundle(searched / "packed").changed[0].file == "pack.json"


def test_a_replay_of_what_a_trial_wrote(menu: Path, tmp_path: Path) -> None:
    """A trial on this machine under a real load."""
    done = edgenas.adapt_try(menu, load="cpu:50", seconds=4)
    told = done.to_json()
    assert told["frames"] == len(done.trial.frames) > 20 and any(frame.loaded for frame in done.trial.frames)
    assert told["events"][0]["text"].startswith("in use after") and told["load_priority"]
    done.save(tmp_path / "trial.jsonl")
    assert "<svg" in done.plot().text
    replayed = edgenas.adapt_replay(menu, tmp_path / "trial.jsonl")
    assert len(replayed.replays[0].ms) == told["frames"] and "<svg" in replayed.plot().text
    assert replayed.replays[0].policy == "this menu"


def test_what_does_not_fit_together_is_refused(searched: Path, menu: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not overwritten"):
        adapt(searched, menu)
    with pytest.raises(InputError, match=r"was judged by .*these images and settings are"):
        adapt(searched, tmp_path / "a", options={"supernet": {"epochs": 1, "batch": 64}})
    with pytest.raises(InputError, match="the smallest reachable is"):
        adapt(searched, tmp_path / "a", budget_ms=0.01)
    with pytest.raises(InputError, match="add --images FOLDER"):
        adapt(searched, tmp_path / "a", images=None)
    with pytest.raises(InputError, match="2 to 64 networks"):
        adapt(searched, tmp_path / "a", nets=1)
    with pytest.raises(InputError, match="--pack shares the weights"):
        adapt(searched, tmp_path / "a", pack=True, precision="int8")
    with pytest.raises(InputError, match="is not cpu:PERCENT"):
        edgenas.adapt_try(menu, load="memory:5", seconds=4)
    assert list(tmp_path.iterdir()) == []


def test_a_menu_of_another_version_is_refused(menu: Path, tmp_path: Path) -> None:
    shutil.copytree(menu, tmp_path / "menu")
    data = json.loads((tmp_path / "menu" / "menu.json").read_text())
    (tmp_path / "menu" / "menu.json").write_text(json.dumps({**data, "version": 99}))
    with pytest.raises(InputError, match="version 99 of 'edgenas menu'"):
        edgenas.adapt_replay(tmp_path / "menu", "step")
    with pytest.raises(InputError, match="so it is no menu"):
        edgenas.adapt_replay(tmp_path, "step")
    assert MENU.version == 1
