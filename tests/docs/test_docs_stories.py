"""The commands of every page, typed in the order in which they stand: each page is a story. Those for boards and phones
that nobody has here are typed on emulated ones, by ``tests/edgenas/test_lab_end_to_end.py``.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.edgenas.adaptive.test_adapt import write_search
from tests.edgenas.test_cli_devices_prepare import wheels
from tests.support.docs_pages import blocks_of, shell_blocks
from tests.support.docs_reader import Reader, file_of, has_what_is_installed
from tests.support.picture_toys import write_class, write_classes
from tests.support.ray_nodes import own_ray
from tests.support.training_toys import write_cifar, write_macro
from tests.support.waiting import wait_until
from tools.rig import available
from tools.rig.fixtures import need
from tools.rig.sshd import SshServer, free_port

__all__ = ["wheels"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def server(tmp_path: Path, one_board: None) -> Iterator[SshServer]:
    """A board's sshd; this machine plays it, with a home of its own."""
    need(available.sshd())
    (tmp_path / "board").mkdir()
    with SshServer(tmp_path / "sshd", environment={"HOME": str(tmp_path / "board")}) as started:
        yield started


def left_in(reader: Reader) -> set[str]:
    return {path.name for path in reader.folder.iterdir()}


#: file -> text in it -> what makes the demo short: smaller pictures, one process a block and network, two candidates, a
#: training of one epoch, and two budgets that a busy machine keeps
SHORT_DEMO = {
    "ship/demo.py": {
        "enough=ENOUGH,": "enough=StoppingRule.exactly(1),",
        "held_out=HELD_OUT,": "held_out=8,\n        max_trials=2,\n        force=True,",
        "    from edgenas.search.spaces import space\n": (
            "    from edgenas.search.budgets import BudgetRequest\n    from edgenas.search.spaces import space\n"
        ),
        "quantiles=QUANTILES,": "budget=BudgetRequest(ms=(1e3, 2e3)),",
        "FULL_RECIPE": "SEARCH_RECIPE",
    },
    "ship/tables.py": {"processes=3, chains=False": "processes=1, chains=False"},
}


def test_the_readme_and_the_start(reader: Reader, server: SshServer, wheels: Path, tmp_path: Path) -> None:
    """Its two commands in a checkout of their own, whose packages are installed already, with the demo made short. The
    demo that the next page types goes on with that run."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv*", "__pycache__"))
    shutil.rmtree(copy / "runs", ignore_errors=True)
    for name, texts in SHORT_DEMO.items():
        for text, short in texts.items():
            file = copy / "edgenas" / name
            assert text in file.read_text()
            file.write_text(file.read_text().replace(text, short))
    has_what_is_installed(copy / ".venv")
    run = reader.folder / "runs" / "20270101-120000"
    with reader.monkeypatch.context() as fresh:
        fresh.setenv("PIP_NO_INDEX", "1")
        fresh.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's way of saying: none
        fresh.delenv("PYTHONPATH", raising=False)
        for name, options in {"demo": ["--run", str(run)], "check": ["--fast", "tests/test_rooms.py"]}.items():
            reader.programs[f"tools/{name}"] = lambda words, given, name=name, options=options: reader.runs(
                [str(copy / "tools" / name), *words, *options]
            )
        adds_a_pi(reader, server)
        reader.more["devices prepare"] = f"--wheels {wheels}"
        reader.types([["edgenas", "export", "mobilenet_v3_small", "--in-size", "32", "-o", "model"]], (), "a model")
        assert len(reader.reads("README.md")) == 8
    assert (run / "bundle" / "model.tflite").is_file()
    before = paid_for(run)
    assert {"finalists.json", "search.trials.jsonl", "table-litert.jsonl"} <= before.keys() and len(before) >= 5

    made = runpy.run_path(str(copy / "edgenas" / "ship" / "demo.py"))["demo_order"]
    reader.monkeypatch.setattr("edgenas.ship.demo.demo_order", made)
    assert len(reader.reads("docs/start.md")) >= 17
    assert {"table.csv", "search.json", "small.json", "model", "report.html", "digits-fast"} <= left_in(reader)
    assert paid_for(run) == before, "a run that is done is gone through again without paying twice"


def paid_for(run: Path) -> dict[str, bytes]:
    """What took long, in a run's folder: measurements of blocks, judged networks, trainings."""
    files = (*run.glob("table-*.jsonl"), *run.glob("*.trials.jsonl"), *run.glob("winner-*"), run / "finalists.json")
    return {path.name: path.read_bytes() for path in files}


def adds_a_pi(reader: Reader, server: SshServer) -> None:
    """From now on the pages' pi4 is this machine, over a real ssh."""
    where = f"{server.user}@{server.host}:{server.port}"
    reader.more = {
        "devices add": f"--ssh {where} --key {server.new_key()} --python {sys.executable} --pool pi4",
        "devices enroll": f"--fingerprint {server.fingerprint()}",
    }


def test_profile_a_pi_and_how_numbers_are_made(reader: Reader, server: SshServer) -> None:
    adds_a_pi(reader, server)
    (reader.folder / "my_judge.py").write_text(file_of("docs/start.md", "my_judge.py"))
    assert len(reader.reads("docs/profile-a-pi.md")) >= 11
    assert {"pi4-litert.jsonl", "pi4-onnxruntime.jsonl"} <= left_in(reader)
    assert len(reader.reads("docs/how-numbers-are-made.md")) >= 2
    assert "sustained.jsonl" in left_in(reader)


def test_adaptive(reader: Reader, server: SshServer) -> None:
    adds_a_pi(reader, server)
    reader.types([["edgenas", "devices", "add", "pi4"], ["edgenas", "devices", "enroll", "pi4"]], (), "a pi4")
    write_search(reader.folder)
    assert len(reader.reads("docs/adaptive.md")) == 6 and {"trial.svg", "trial.jsonl"} <= left_in(reader)


def test_profile_a_phone(reader: Reader) -> None:
    for name in ("benchmark_model", "onnxruntime_perf_test"):
        (reader.folder / "home" / name).write_text("#!/bin/sh\n")
    assert len(reader.reads("docs/profile-a-phone.md")) == 1
    assert "[devices.pixel]" in (reader.folder / "devices.toml").read_text()


def test_int8(reader: Reader) -> None:
    photos = reader.folder / "photos"
    write_classes(photos / "train", 12)
    write_classes(photos / "val", 6, seed=1)
    (reader.folder / "my_judge.py").write_text(file_of("docs/start.md", "my_judge.py"))
    (reader.folder / "labels.txt").write_text("blue\ngreen\nred\n")

    def weights() -> None:
        """As a training would leave them."""
        from edgenas.api.named import load_network
        from edgenas.blocks.weights import network_random_weights, save_weights

        blocks = load_network("search.json", None, None).blocks
        save_weights(reader.folder / "weights.npz", network_random_weights(blocks))

    reader.first["export"] = weights
    assert len(reader.reads("docs/int8.md")) >= 6
    assert (reader.folder / "model" / "model-int8.onnx").is_file()
    told = json.loads((reader.folder / "photos-fast" / "run.json").read_text())
    assert (told["verdicts"][0]["file"], told["within_budget"]) == ("model-int8.tflite", True)


def test_training(reader: Reader) -> None:
    write_classes(reader.folder / "photos", 20)
    small = ["edgenas", "profile", "nas_bench_macro", "--in-size", "8", "--classes", "3", "-o", "table.jsonl"]
    for words in (small, ["edgenas", "table", "validate", "table.jsonl"]):
        reader.types([words], (), "docs/training.md")
    write_cifar(reader.folder / "cifar10.npz")
    write_macro(reader.folder / "nas-bench-macro_cifar10.json", ("22212220", "11111111", "10100100"))
    assert len(reader.reads("docs/training.md")) >= 3


def test_spaces_and_your_own_head(reader: Reader) -> None:
    (reader.folder / "my_judge.py").write_text(file_of("docs/start.md", "my_judge.py"))
    assert len(reader.reads("docs/spaces.md")) == 8 and len(reader.reads("docs/your-own-head.md")) >= 3
    for folder in ("six-channels", "backbone"):
        assert {path.name for path in (reader.folder / folder).iterdir()} >= {"arch.json", "model.tflite", "model.onnx"}


def test_which_space(reader: Reader) -> None:
    assert len(reader.reads("docs/which-space.md")) == 3 and "local-probe.jsonl" in left_in(reader)


def test_adding(reader: Reader) -> None:
    (section,) = [b.text for b in blocks_of("docs/adding.md") if b.language == "toml" and "[devices." in b.text]
    (reader.folder / "devices.toml").write_text(section)
    assert len(reader.reads("docs/adding.md")) == 8
    assert {"v1", "search.json", "scored.json", "mine.json", "reference.jsonl"} <= left_in(reader)


def test_search_on_a_cluster(reader: Reader) -> None:
    """A head and a node that the page starts, and a job; only who knows Ray's token may use them."""
    pytest.importorskip("ray")
    (reader.folder / "my_judge.py").write_text(file_of("docs/start.md", "my_judge.py"))
    port, board = free_port(""), free_port("")
    with own_ray() as env, ExitStack() as running:
        for name, value in {**env, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}.items():
            reader.monkeypatch.setenv(name, value)
        reader.monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        reader.words = {"6379": str(port), "/srv/search.json": str(reader.folder / "srv.json")}

        def ray(words: list[str], given: str) -> str:
            argv = [sys.executable, "-m", "ray.scripts.scripts", *words]
            if words[0] != "start":
                return _as_soon_as_ray_is_ready(lambda: reader.runs(argv))
            more = ["--dashboard-host", "0.0.0.0", "--dashboard-port", str(board)] if "--head" in words else []
            log = reader.folder / f"node{len(list(reader.folder.glob('node*')))}"
            with log.open("w") as out:
                node = subprocess.Popen([*argv, *more, "--block"], stdout=out, stderr=out)
            running.callback(node.wait, 60)
            running.callback(node.terminate)
            wait_until(lambda: "Ray runtime started" in log.read_text() or node.poll() is not None, "a node", 120)
            assert node.poll() is None, log.read_text()
            (ip,) = re.findall(r"Local node IP\D*([\d.]+)", re.sub(r"\x1b\[\d+m", "", log.read_text()))
            reader.words |= {"10.0.0.1:6379": f"{ip}:{port}", "http://10.0.0.1:8265": f"http://{ip}:{board}"}
            return ""

        reader.programs |= {"ray": ray, "edgenas": reader.apart}
        assert len(reader.reads("docs/search-on-a-cluster.md")) == 5
    assert {"search.json", "srv.json"} <= left_in(reader)


def _as_soon_as_ray_is_ready(act: Callable[[], str], tries: int = 5) -> str:
    """A node that has just started on a busy machine takes no jobs yet, and Ray then asks to try again."""
    for _ in range(tries - 1):
        try:
            return act()
        except AssertionError as error:
            if "No available agent" not in str(error):
                raise
    return act()


def test_your_own_measurements(reader: Reader) -> None:
    for digit in range(10):
        write_class(reader.folder / "written" / str(digit), ("red", "green", "blue")[digit % 3], 6, seed=digit)
    assert len(reader.reads("docs/your-own-measurements.md")) >= 5
    run = json.loads((reader.folder / "shipped" / "bundle" / "run.json").read_text())
    assert run["brought"]["source"] == "mine.csv" and run["measured_ms"] is None and run["predicted_ms"] <= 0.6
    assert {"mine.jsonl", "search.json", "predicted.json", "new.jsonl"} <= left_in(reader)


STORIES: dict[str, Callable[..., None]] = {
    "README.md": test_the_readme_and_the_start,
    "docs/adaptive.md": test_adaptive,
    "docs/adding.md": test_adding,
    "docs/how-numbers-are-made.md": test_profile_a_pi_and_how_numbers_are_made,
    "docs/int8.md": test_int8,
    "docs/profile-a-phone.md": test_profile_a_phone,
    "docs/profile-a-pi.md": test_profile_a_pi_and_how_numbers_are_made,
    "docs/search-on-a-cluster.md": test_search_on_a_cluster,
    "docs/spaces.md": test_spaces_and_your_own_head,
    "docs/start.md": test_the_readme_and_the_start,
    "docs/training.md": test_training,
    "docs/which-space.md": test_which_space,
    "docs/your-own-head.md": test_spaces_and_your_own_head,
    "docs/your-own-measurements.md": test_your_own_measurements,
}


def test_no_page_is_left_out() -> None:
    """Each page with a command has its story here, or in ``test_docs_published.py``, ``test_docs_accelerators.py``."""
    others = {"docs/accelerators.md", "docs/pretrained.md", "docs/your-own-images.md"}
    assert {block.page for block in shell_blocks() if not block.lab} == {*STORIES, *others}


def test_the_four_lines_of_the_readme(reader: Reader) -> None:
    block = next(block for block in shell_blocks() if block.page == "README.md" and "devices add" in block.text)
    reader.types(block.pipelines()[0], (), "README.md")
    (shown,) = [block.text for block in blocks_of("README.md") if block.language == "toml"]
    assert (reader.folder / "devices.toml").read_text() == shown
