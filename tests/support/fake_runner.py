"""Stands in for bench_runner.py: answers like it, and takes a known time a model (FAKE_RUNNER_S) instead of running it.

Every batch it finishes is a line of the file named in the environment: who asked for which models. Models whose name
starts with 'sep' fail to load.
"""

import json
import os
import sys
import time
from pathlib import Path

INSTALLED = {"runtime": "fake", "package": "fake", "version": "1", "python": "3", "notes": ""}


def emit(**record: object) -> None:
    print(json.dumps(record), flush=True)


if sys.argv[1] == "--describe":
    emit(kind="description", **INSTALLED, delegate="cpu", library_sha256="0" * 64, cpus=[0], schedulers=["normal"])
else:
    plan = json.loads(Path(sys.argv[1]).read_text())
    log = Path(os.environ["FAKE_RUNNER_LOG"])
    with log.open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), "started": len(plan["models"])}) + "\n")
    INSTALLED["version"] = os.environ.get("FAKE_RUNNER_VERSION", "1")
    emit(kind="header", **INSTALLED, threads=1, cores=[0], scheduler="normal", cold_kib=plan["cold_kib"])
    names = [model["name"] for model in plan["models"]]
    errors = [name for name in names if name.startswith("sep")]
    time.sleep(float(os.environ.get("FAKE_RUNNER_S", "0.05")) * len(names))
    for name in errors:
        emit(kind="error", name=name, stage="load", message="ValueError: no")
    for name in names:
        if name not in errors:
            timed = {"loops": 1, "warmup": 1, "samples_ns": [[1000 + len(name)]], "delegate": "cpu", "partitions": 0}
            emit(kind="model", name=name, **timed, sum=0.0, abs_sum=0.0)
    with log.open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), "process": plan["process"], "finished": names}) + "\n")
    emit(kind="end", models=len(names) - len(errors), errors=len(errors))
