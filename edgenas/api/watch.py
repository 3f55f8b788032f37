"""``edgenas.watch``: the report page of running campaigns and searches, served to this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import table_path
from edgenas.api.shown import FilePath
from edgenas.api.spaces import space as space_of
from edgenas.base.amounts import budget_numbers
from edgenas.base.errors import InputError
from edgenas.base.reading import check_exists
from edgenas.blocks.size import SizesLike

if TYPE_CHECKING:
    from edgenas.api.table import Table
    from edgenas.search.space import Space
    from edgenas.watch.server import Server


class Watch:
    """A report page at ``url`` for browsers on this machine, served in the background until ``close()``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url
        self._thread = threading.Thread(target=server.serve_forever, name="edgenas-watch", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Block until the server is closed, or until Ctrl-C."""
        self._thread.join()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas watch --json`` prints."""
        return {"url": self.url}

    def __repr__(self) -> str:
        return f"<Watch {self.url}>"

    def _repr_html_(self) -> str:
        return f'<a href="{self.url}">{self.url}</a>'


def watch(
    *runs: FilePath | Table,
    space: str | Space | Callable[..., Space] | None = None,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    budget_ms: float | Iterable[float] = (),
    port: int = 8710,
) -> Watch:
    """Serve the report page of runs to browsers on this machine, read from their journals, as ``edgenas watch`` does.

    space       space that is measured: all of its blocks count in the progress (default: the blocks measured so far)
    budget_ms   budgets of a running search in ms: the page shows the best network so far inside each
    port        TCP port; 0: any free port

    Close it with ``close()``, or use it as a context manager. InputError where the port is in use.

        with edgenas.watch("runs/20270101-120000") as page:
            page.wait()
    """
    from edgenas.watch.server import Server, WatchedRuns

    if not runs:
        raise InputError("name at least one folder or file to watch")
    paths = tuple(table_path(run) for run in runs)
    for path in paths:
        check_exists(path, "run")
    blocks = () if space is None else space_of(space, in_size, classes, channels).blocks()
    budgets = budget_numbers(budget_ms, "ms", "budget_ms")
    return Watch(Server(WatchedRuns(paths, blocks, budgets), port))
