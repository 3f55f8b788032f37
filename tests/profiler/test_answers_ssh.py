"""Files on pictures on a board behind a real sshd, as a person types it, and when sshd goes away in the middle."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.devices.transports.jobs import Wait
from edgenas.devices.transports.ssh.paramiko_link import SshDevice
from edgenas.profiler import answers as parts
from edgenas.profiler.answers import answers
from edgenas.profiler.export.run import run_model
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.target import this_machine
from tests.devices.test_ssh import target_of
from tests.edgenas.test_cli import edgenas
from tests.profiler.test_answers import images, models
from tests.profiler.test_answers_verified import LABELLED, exported
from tests.support.listeners import Recorder
from tools.rig.sshd import SshServer

__all__ = ["exported", "models"]
pytestmark = pytest.mark.slow
pytest_plugins = ["tools.rig.fixtures"]


def test_verify_over_ssh(
    exported: Path, ssh_server: SshServer, one_board: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = exported / "home"
    (home / ".ssh").mkdir(parents=True)
    for name, folder in {"HOME": home, "XDG_CACHE_HOME": home / "cache", "XDG_CONFIG_HOME": home / "config"}.items():
        monkeypatch.setenv(name, str(folder))
    where = f"{ssh_server.user}@{ssh_server.host}:{ssh_server.port}"
    key = ssh_server.new_key()
    edgenas("devices", "add", "pi4", "--ssh", where, "--key", key, "--python", sys.executable, cwd=exported)
    edgenas("devices", "enroll", "pi4", "--yes", cwd=exported)
    file = "model/model-int8.onnx"
    (told,) = json.loads(
        edgenas("verify", file, "--device", "pi4", "--images", "photos", "--json", cwd=exported).stdout
    )
    assert told["accuracy_on"] == {**this_machine().as_dict(), "device": "pi4"}
    assert (told["pictures"], told["this_machine"]["agreement"], told["this_machine"]["device"]) == (12, 1.0, "local")
    out = exported / "out"
    shown = edgenas(
        "export",
        "arch.json",
        "--precision",
        "fp32",
        "--precision",
        "int8",
        *LABELLED,
        "--test",
        "photos",
        "--device",
        "pi4",
        "--format",
        "onnx",
        "-o",
        out,
        "--json",
        cwd=exported,
    )
    told = json.loads(shown.stdout)["facts"]
    assert told["onnx int8"]["accuracy_on"]["device"] == "pi4" and told["onnx"]["accuracy_on"]["device"] == "local"
    assert told["onnx int8"]["weight_bits"] == (7 if this_machine().reduce_range else 8)
    assert f"bits, for {replace(this_machine(), device='pi4')}" in shown.stderr


def test_an_sshd_that_ends_in_the_middle_is_waited_for(
    models: dict[str, bytes], ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_PICTURES", 16)
    base = tmp_path / "base"
    base.mkdir()
    device = SshDevice("pi", target_of(ssh_server, tmp_path), base=str(base))
    model, x = models["model-int8.onnx"], images(40, 1)

    def cut(done: int, total: int | None) -> None:
        if done == 16:
            ssh_server.stop()
            ssh_server.start()

    recorder = Recorder(cut)
    found = answers(
        device, RUNTIMES["onnxruntime"], model, x, program=sys.executable, wait=Wait(60.0, 0.1), listener=recorder
    )
    np.testing.assert_array_equal(found.outputs, run_model(model, x))
    assert recorder.counts == [(16, 40), (32, 40), (40, 40)]
    assert not list(base.glob("edgenas-*/kept/*")), "nothing is left there"
    device.close()
