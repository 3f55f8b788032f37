"""Web server of the report page of running runs: on 127.0.0.1 only, with two read-only addresses."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from edgenas.base.errors import EdgenasError, InputError
from edgenas.base.text import printable
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.store.journal import Journal
from edgenas.report.page import page
from edgenas.report.sections.arrivals import arrivals_section
from edgenas.report.sections.live import live_section
from edgenas.report.series import all_series
from edgenas.runs.gather import RunFiles, gather
from edgenas.search.trial_file import TrialJournal
from edgenas.watch.best_so_far import best_so_far
from edgenas.watch.progress import JournalProgress, search_progress, table_progress, writing

LOOPBACK = "127.0.0.1"
SHARE = 0.1  #: largest share of a core for drawing pages: the machine may be measuring
LEAST_WAIT_S = 3.0


@dataclass
class WatchedRuns:
    """The watched runs and their latest page. ``blocks`` are those that tables will hold, if known; ``budgets_ms`` are
    the budgets of a search that has not written its own yet."""

    runs: Sequence[Path]
    blocks: Sequence[BlockSpec] = ()
    budgets_ms: Sequence[float] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _drawn: tuple[str, str] = ("", "")
    _took_s: float = 0.0

    def state(self) -> str:
        """Return a hash that changes when a file changes, or when a process starts or stops writing one."""
        held = writing() or ()
        files: list[tuple[str, int, int, bool]] = []
        for run in self.runs:
            for path in sorted(run.iterdir()) if run.is_dir() else [run]:
                if path.suffix in (".json", ".jsonl") and not path.name.startswith("."):
                    try:
                        found = path.stat()
                    except OSError:
                        continue
                    files.append((str(path), found.st_size, found.st_mtime_ns, found.st_ino in held))
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]

    @property
    def wait_s(self) -> float:
        """Seconds until a reader should poll again."""
        return max(LEAST_WAIT_S, self._took_s / SHARE)

    def page(self) -> str:
        """Return the page, drawn once per state for all readers."""
        with self._lock:
            state = self.state()
            if self._drawn[0] != state:
                begin = time.thread_time()
                self._drawn = (state, self._draw())
                self._took_s = time.thread_time() - begin
            return self._drawn[1]

    def _draw(self) -> str:
        try:
            material = gather(self.runs, empty=True)
            arrived = arrivals_section(material.journals, material.trials)
            above = [live_section(self._progress(material)), *([] if arrived is None else [arrived])]
            return page(material, above=above, live=True)
        except (EdgenasError, OSError) as error:  # damaged, or replaced meanwhile: shown; the next poll tries again
            problem = str(error)
        except Exception as error:  # damaged in a way that no reader foresees: shown too, in place of an empty answer
            problem = (
                f"the files cannot be shown: {type(error).__name__}: {error}; try: edgenas report RUN -o report.html"
            )
        return page(RunFiles(), above=[live_section([], printable(problem, 1000))], live=True)

    def _progress(self, material: RunFiles) -> list[JournalProgress]:
        held = writing()
        tables = [
            table_progress(path, journal, self._wanted(journal), held) for path, journal in material.journals.items()
        ]
        return tables + [self._search(trials, material, held) for trials in material.trials]

    def _wanted(self, journal: Journal) -> Sequence[BlockSpec]:
        """Return ``blocks`` if the table holds one of them or is empty; other tables belong to other spaces."""
        measured = set(journal.table.blocks)
        return self.blocks if not measured or not measured.isdisjoint(self.blocks) else ()

    def _search(self, trials: TrialJournal, material: RunFiles, held: frozenset[int] | None) -> JournalProgress:
        """Return the progress of a search: finished if its result is there and not older than the journal."""
        saved = {
            path: found
            for path, found in material.searches.items()
            if found.accuracy == trials.accuracy and found.space.name == trials.space.name
        }
        budgets = self.budgets_ms or [
            run.budget for found in saved.values() if found.unit == "ms" for run in found.runs
        ]
        try:
            finished = any(path.stat().st_mtime >= trials.path.stat().st_mtime for path in saved)
        except OSError:
            finished = False
        best = best_so_far(trials, all_series(material), list(dict.fromkeys(budgets)))
        return search_progress(
            trials.path, trials.space.name, trials.judged, held, finished=finished, best=best, score=trials.score
        )


class Server(ThreadingHTTPServer):
    """Web server of one ``WatchedRuns``; InputError where the port is taken."""

    daemon_threads = True
    request_s = 10.0  #: longest time for a request to arrive; a slower one is cut off, and its thread ends

    def __init__(self, watched: WatchedRuns, port: int) -> None:
        self.watched = watched
        self._asking: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        try:
            super().__init__((LOOPBACK, port), Handler)
        except OSError as error:
            raise InputError(f"port {port}: {error.strerror or error}; for any free port: --port 0") from error

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a request in a thread of its own."""
        with self._lock:
            self._asking[request] = time.monotonic()
        super().process_request(request, client_address)

    def has_asked(self, request: socket.socket) -> None:
        """Record that a request has arrived, or is closed."""
        with self._lock:
            self._asking.pop(request, None)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.has_asked(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cut off requests that arrive too slowly; the server's loop calls this."""
        oldest = time.monotonic() - self.request_s
        with self._lock:
            for request, since in self._asking.items():
                if since < oldest:
                    with contextlib.suppress(OSError):
                        request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing for a browser that hung up; one line for any other error."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"edgenas: watch: {type(error).__name__}: {error}", file=sys.stderr)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/"

    def hosts(self) -> tuple[str, str]:
        return f"{LOOPBACK}:{self.server_port}", f"localhost:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Handler of GET / (the page) and GET /state (the state that the page polls). Requests are refused with another
    Host (DNS rebinding) or another Origin (another page in the same browser)."""

    server: Server
    server_version, sys_version = "edgenas", ""
    timeout = 30  # of one write, which is the whole answer

    def do_GET(self) -> None:
        """Answer a request for one of the two addresses."""
        self.server.has_asked(self.connection)
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        hosts = self.server.hosts()
        if host not in hosts or (origin is not None and origin not in [f"http://{h}" for h in hosts]):
            self._answer(403, "text/plain", "refused: only this server's own pages, at its own address, may read it\n")
        elif self.path == "/":
            self._answer(200, "text/html", self.server.watched.page())
        elif self.path == "/state":
            state = {"state": self.server.watched.state(), "wait_s": self.server.watched.wait_s}
            self._answer(200, "application/json", json.dumps(state))
        else:
            self._answer(404, "text/plain", "not found: the addresses are / and /state\n")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the page polls every few seconds."""

    def _answer(self, code: int, kind: str, text: str) -> None:
        data = text.encode("utf-8", "replace")
        self.send_response(code)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
        self.end_headers()
        self.wfile.write(data)
