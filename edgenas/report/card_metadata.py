"""Metadata at the head of a model card, as Hugging Face reads it: licence, tags, and ``model-index`` with accuracy and
latency of each file (huggingface.co/docs/hub/model-cards)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgenas.report.card import CardData
    from edgenas.runs.run import FileRecord

TAGS = ("tflite", "litert", "onnx", "edge", "latency", "neural-architecture-search", "edgenas")
_SIZE = re.compile(r"-\d+(x\d+)?(-\d+x\d+-seed\d+)?$")  # what a run adds: pixels, and the digits' copies and seed
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*")
UNKNOWN = "unknown"  #: Hugging Face's identifier of a licence that nobody stated


def front_matter(data: CardData, name: str) -> str:
    """Return the metadata of the card of the network ``name``, as YAML between two lines of dashes."""
    import yaml

    run, called = data.run, dataset(data.run.data or "")
    known: dict[str, Any] = {
        "license": data.licence or UNKNOWN,
        "pipeline_tag": "image-classification",
        **({"datasets": [called]} if called else {}),
        "tags": list(TAGS),
        "metrics": ["accuracy"],
        "model-index": [{"name": name, "results": [_result(data, file, each) for file, each in run.files.items()]}],
    }
    return f"---\n{yaml.safe_dump(known, sort_keys=False, allow_unicode=True)}---"


def dataset(name: str) -> str:
    """Return the name of the images of a run, without their size; '' where Hugging Face takes no such name."""
    plain = _SIZE.sub("", name)
    return plain if _NAME.fullmatch(plain) else ""


def _result(data: CardData, name: str, file: FileRecord) -> dict[str, Any]:
    """Return the result of one file: accuracy on the test images, and its latency where it was timed."""
    called = data.run.data or "labelled images"
    short = dataset(called) or called.split("/")[-1]
    accuracy = {"type": "accuracy", "value": round(file.accuracy / 100, 6), "name": f"top-1 of {name}"}
    metrics: list[dict[str, Any]] = [accuracy]
    verdict = next((v for v in data.run.verdicts if v.file == name), None)
    if verdict is not None:
        facts = {} if verdict.setting is None else dict(verdict.setting.device)
        device = str(facts.get("model") or facts.get("soc") or facts.get("cpu") or verdict.device)
        version = verdict.runtime if verdict.setting is None else verdict.setting.version
        metrics.append(
            {
                "type": "latency_ms",
                "value": round(verdict.median_ms, 6),
                "name": f"p50 of {name} in ms on {device}, {version}",
            }
        )
    return {
        "task": {"type": "image-classification"},
        "dataset": {"type": short or "images", "name": called, "split": "test"},
        "metrics": metrics,
    }
