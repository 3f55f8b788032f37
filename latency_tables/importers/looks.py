"""Recognition of a file by its content: one of the formats of importers, a pickle, an archive, a web page."""

from __future__ import annotations

import re

_SHAPES = re.compile(r"^(?:- )?[\"']?(?:Conv|Conv_1|expanded_conv|Logits|AvgPool2D|Conv_2)-input:", re.MULTILINE)
_OFA = re.compile(r"^(?:AvgPool2D|Conv_2)-input:|-se:\d+-hs:\d", re.MULTILINE)
_SINGLE_PATH = re.compile(r'\{\s*"\d{1,2}"\s*:\s*\{\s*"\d"\s*:')
_CSV = re.compile(r"[^,:{}\[\]\n]*(?:,[^,:{}\[\]\n]*)+\r?\n")
_PICKLE = re.compile(rb"\x80[\x01-\x05]|\((?:dp|lp)\d")
_BINARY = {
    b"\x93NUMPY": "a numpy array (.npy)",
    b"PK\x03\x04": "a zip archive, such as .npz or a torch file",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x89HDF": "an HDF5 file",
    b"TFL3": "a TFLite model",
}
_EDGENAS = re.compile(r'\{"format": ?"edgenas (?:latency|imported) table"')
_PLAIN = re.compile(r'\{\s*"(?:conv|sep|ir|head)-\d+x\d+|\[\s*\{[^}]*"(?:block|kind)"\s*:')
_TIMES = {"ms", "mean_ms"}
UNPICKLED = (
    "a Python pickle, which could run any code when it is opened, so that edgenas never opens one. If you trust its "
    "author, these three lines of Python write a dictionary from blocks to ms as CSV, for --format plain:\n"
    "    import pathlib, pickle\n"
    '    table = pickle.loads(pathlib.Path("FILE").read_bytes())\n'
    '    pathlib.Path("FILE.csv").write_text("block,ms\\n" + "".join(f"{b},{ms}\\n" for b, ms in table.items()))'
)
_START = 1 << 16  # characters at the start of a text that are looked at: at least one whole entry of every format


def looks_like(data: bytes) -> tuple[str, str]:
    """Return (name of the format that the content has, '') or ('', what else it looks like); ('', '') for neither."""
    for begin, what in _BINARY.items():
        if data.startswith(begin) or (begin == b"TFL3" and data[4:8] == begin):
            return "", what
    if _PICKLE.match(data):
        return "", UNPICKLED
    text = data.decode("utf-8-sig", errors="replace")
    start = text[:_START].lstrip()
    if _SHAPES.search(start):
        return ("ofa" if _OFA.search(text) else "proxylessnas"), ""
    if start.startswith("{"):
        return _json(start, text)
    if start.startswith("device,layer,op,"):
        return "fbnet", ""
    if start.startswith("<"):
        return "", "a web page, which a browser saved in place of the table"
    if start.startswith("[") and _PLAIN.match(start):
        return "plain", ""
    names = {name.strip().strip('"') for name in re.split(r"[,;\t]", start.partition("\n")[0])}
    if names & _TIMES and names & {"block", "kind"}:
        return "plain", ""
    if _CSV.match(start):
        return "", "a CSV file"
    return "", ""


def _json(start: str, text: str) -> tuple[str, str]:
    if _EDGENAS.match(start):
        return "", "a latency table of edgenas, which needs no import: name it with search --table"
    if _PLAIN.match(start):
        return "plain", ""
    if '"coefficients_ms"' in text:
        return "tunas", ""
    if "ConvBlock_H" in text or "ConvNorm_H" in text:
        return "fbnet", ""
    if _SINGLE_PATH.match(start):
        return "single-path", ""
    return "", "a JSON file of another form"
