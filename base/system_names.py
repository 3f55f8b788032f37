"""Names of the files and folders that operating systems add to a user's folder, such as thumbs.db: one rule for folders
of images and for bundles.
"""

from __future__ import annotations

#: in small letters: macOS archives, Synology and QNAP stores, Windows, Linux, Python
SYSTEM = frozenset(["__macosx", "network trash folder", "temporary items", "icon\r", "@eadir", "@tmp", "#recycle",
                    "#snapshot", "@recycle", "@recently-snapshot", "$recycle.bin", "system volume information",
                    "recycler", "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "desktop.ini", "lost+found",
                    "__pycache__"])  # fmt: skip
_THUMBNAILS = ("synofile_thumb", "synophoto_thumb")  #: how names of a store's own thumbnails begin


def is_system(name: str) -> bool:
    """Return True for a name that is hidden (a dot first), or that an operating system gives to its own files and
    folders.
    """
    small = name.lower()
    return name.startswith(".") or small in SYSTEM or small.startswith(_THUMBNAILS)
