"""The page ``try.html`` of a bundle: it runs the ONNX file of the bundle in a browser, without a network.

The page holds ONNX Runtime Web, its WebAssembly and the model as base64, since a page that was opened as a file may
read no other file. ONNX Runtime Web is an npm package that the user installs (MIT licence).
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_line
from edgenas.runs.layout import ARCH, LABELS, PREPROCESSING, TRY

RUNTIME = "ort.wasm.bundle.min.mjs"  #: its JavaScript, with the glue of the WebAssembly
WASM = "ort-wasm-simd-threaded.wasm"
TEMPLATE = Path(__file__).parents[1] / "report" / "static" / "try.html"
_INSTALL = "type: npm install onnxruntime-web, and name node_modules/onnxruntime-web"


def web_folder(folder: Path) -> Path:
    """Return the folder with the files of onnxruntime-web, ``folder`` or its ``dist``; InputError where they are not
    there."""
    for place in (folder, folder / "dist", folder / "node_modules" / "onnxruntime-web" / "dist"):
        if (place / RUNTIME).is_file() and (place / WASM).is_file():
            return place
    raise InputError(f"{folder} has no {RUNTIME} and {WASM} of onnxruntime-web; {_INSTALL}")


def try_page(bundle: Path, files: Sequence[str], web: Path) -> str:
    """Return the page for the files of a bundle's folder; ``web`` is what ``web_folder`` returns. InputError where no
    ONNX file takes images as numbers in single precision."""
    how = parse_line((bundle / PREPROCESSING).read_bytes())
    name = next((name for name in files if name.endswith(".onnx") and not how["stored"].get(name)), None)
    if name is None or how["mode"] == "planes":
        raise InputError(
            f"{TRY} needs an ONNX file for grey or RGB images in single precision, and {', '.join(files)} has none; "
            "leave out --try-html"
        )
    labels = (bundle / LABELS).read_bytes().decode().rstrip("\n").split("\n")
    used = {key: how[key] for key in ("width", "height", "mean", "deviation", "mode")}
    title = parse_line((bundle / ARCH).read_bytes()).get("name", bundle.name)
    parts = {
        "%TITLE%": html.escape(f"{title}, {name}"),
        "%VERSION%": html.escape(_version(web)),
        "%HOW%": json.dumps({**used, "labels": labels}).replace("<", "\\u003c"),
        "%RUNTIME%": _base64(web / RUNTIME),
        "%WASM%": _base64(web / WASM),
        "%MODEL%": _base64(bundle / name),
    }
    page = TEMPLATE.read_text(encoding="utf-8")
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page


def _version(web: Path) -> str:
    package = web.parent / "package.json"
    return str(parse_line(package.read_bytes()).get("version", "")) if package.is_file() else "unknown version"


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
