"""Names of folders and files that systems put beside a user's own: the one rule for pictures and for bundles."""

from __future__ import annotations

#: in small letters: macOS archives, Synology and QNAP stores, Windows, Linux, Python
SYSTEM = frozenset(["__macosx", "network trash folder", "temporary items", "icon\r", "@eadir", "@tmp", "#recycle",
                    "#snapshot", "@recycle", "@recently-snapshot", "$recycle.bin", "system volume information",
                    "recycler", "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "desktop.ini", "lost+found",
                    "__pycache__"])  # fmt: skip
_THUMBNAILS = ("synofile_thumb", "synophoto_thumb")  #: how names of a store's own thumbnails begin


def is_system(name: str) -> bool:
    """True for names that are hidden (a dot first) or that systems give to folders and files of their own."""
    small = name.lower()
    return name.startswith(".") or small in SYSTEM or small.startswith(_THUMBNAILS)
