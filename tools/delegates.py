"""Packages of delegates for the tests: an environment of its own, since the variants of onnxruntime share one name.

    python -m tools.delegates    # install them into .venv-delegates where they are missing; prints what it does

The environment has LiteRT with OpenVINO, and ONNX Runtime with OpenVINO (680 MB). A software GPU is in the package of
Chromium (tools/browser.py): SwiftShader, a Vulkan driver that computes on the CPU.

Exit code 0: it is there, or was installed; 1: it is not, with the reason, and the tests that need it are skipped.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-delegates"
PACKAGES = ("ai-edge-litert==2.3.0", "openvino==2026.3.1", "onnxruntime-openvino==1.24.1", "numpy")
MISSING = "no OpenVINO here; tools/check installs it, on x86_64"
#: folder of Chromium's libraries, and the file that makes its software GPU a Vulkan driver
CHROMIUM = Path("/usr/lib/chromium")
SWIFTSHADER = CHROMIUM / "vk_swiftshader_icd.json"
NO_SWIFTSHADER = "no SwiftShader here; it is in Debian's package chromium-common, which tools/check installs as root"
LIMIT_S = 600.0  #: for pip


def python() -> str | None:
    """Return the Python of the environment, None where it is not complete."""
    return str(FOLDER / "bin" / "python") if (FOLDER / "complete").is_file() else None


def software_gpu() -> dict[str, str] | None:
    """Return the environment variables in which LiteRT finds the software GPU, None where there is none."""
    if not SWIFTSHADER.is_file() or not (CHROMIUM / "libvulkan.so.1").is_file():
        return None
    return {"VK_ICD_FILENAMES": str(SWIFTSHADER), "LD_LIBRARY_PATH": str(CHROMIUM)}


def install() -> str:
    """Make the environment; return '' or the reason why it could not be made."""
    if platform.machine() != "x86_64":
        return "OpenVINO for LiteRT is for x86_64"
    shutil.rmtree(FOLDER, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(FOLDER)],
        [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary=:all:", *PACKAGES],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"pip took more than {LIMIT_S:.0f} s"
        if done.returncode:
            return f"{' '.join(command[1:4])} failed: {' '.join(done.stderr.split())[-300:]}"
    (FOLDER / "complete").touch()
    return ""


def main() -> int:
    """Install the packages where they are missing."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if python():
        return 0
    reason = install()
    print(f"delegates: {reason or f'installed in {FOLDER}'}")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
