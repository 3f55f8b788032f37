"""``edgenas watch``: what it says of journals that grow, who may read it, and that a browser sees what is new."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from edgenas.base.jsonl import Appender
from edgenas.latency_tables.store.journal import FORMAT, TableWriter, read_journal
from edgenas.watch.progress import search_progress, table_progress, writing
from edgenas.watch.server import LOOPBACK, Server, WatchedRuns
from tests.conftest import ROOT
from tests.edgenas.test_cli import edgenas
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE
from tests.support.browsers import screenshot, started
from tests.support.report_toys import HOSTILE, START, Pi, write_run
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("watch") / "run")


@contextmanager
def served(watched: WatchedRuns) -> Iterator[Server]:
    with Server(watched, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(server: Server, path: str = "/state", method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": f"{LOOPBACK}:{server.server_port}", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_progress_counts_what_a_finished_table_has(tmp_path: Path) -> None:
    path, device, blocks = tmp_path / "t.jsonl", Pi(), SPACE.blocks()
    with TableWriter(path, SETTING, "0") as writer:
        writer.append([device.measure((b,), 0, "table", "b") for b in blocks])
        writer.append([device.measure((b,), 1, "table", "c") for b in blocks[:6]])
    found = table_progress(path, read_journal(path), (), ())
    assert (found.done, found.total) == (len(blocks) + 6, 3 * len(blocks))
    assert [(s.device, s.done) for s in found.devices] == [(HOSTILE, len(blocks) + 6)]
    assert (found.blocks_done, found.blocks, found.unstable) == (0, len(blocks), len(blocks))
    assert found.state == "stopped" and found.ends is None  # nobody writes it, and it is not finished
    running = table_progress(path, read_journal(path), (), (path.stat().st_ino,))
    assert running.state == "running" and running.ends is not None and running.left_s is not None
    last = START + timedelta(minutes=max(sum(map(ord, batch)) % 7 for batch in "bc") + 1)
    assert abs(running.ends - last - timedelta(seconds=running.left_s)) < timedelta(seconds=1)
    assert table_progress(path, read_journal(path), (), None).state == "not known"
    assert found.left_s is not None and found.total is not None
    pace = (found.total - found.done) / found.done  # b's minute and c's, which is the next
    assert found.left_s == pytest.approx(120 * pace)
    more = table_progress(path, read_journal(path), SPACE.architecture(SPACE.parse("0.0.0.0.0.0.0.0")).blocks, ())
    assert more.total == found.total  # the space's own blocks are all seen


def test_a_validation_that_runs_counts_its_networks(run: Path) -> None:
    journal = read_journal(run / "table-litert.jsonl")
    found = table_progress(run / "table-litert.jsonl", journal, (), ())
    assert found.total == found.done == 3 * len(SPACE.blocks()) + 4 * 10
    assert found.devices[0].temperature_c is not None and found.devices[0].temperature_c > 40
    assert found.state == "finished" and found.blocks_done == found.blocks == len(SPACE.blocks())
    judged = (("0.0", 50.0), ("0.1", 60.5))
    told = search_progress(run / "search.trials.jsonl", "toy", judged, ())
    assert told.done == 2 and told.total is None and "60.50 %" in told.what


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="no /proc/locks here")
def test_a_journal_is_running_while_somebody_writes_it(run: Path) -> None:
    path = run / "table-onnxruntime.jsonl"
    assert path.stat().st_ino not in (writing() or ())
    with Appender(path, FORMAT, "a latency table"):
        assert path.stat().st_ino in (writing() or ())
        state = WatchedRuns([run]).state()
    assert path.stat().st_ino not in (writing() or ())
    assert WatchedRuns([run]).state() != state


def test_locks_of_others_and_odd_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text(
        "1: FLOCK  ADVISORY  WRITE 1 fe:00:123 0 EOF\n2: POSIX  ADVISORY  WRITE 2 fe:00:456 0 EOF\n"
        "3: -> FLOCK  ADVISORY  WRITE 1 fe:00:789 0 EOF\n\nnonsense\n"
    )
    assert writing(tmp_path / "locks") == {123}
    assert writing(tmp_path / "none") is None


def test_only_this_address_and_its_own_pages(run: Path) -> None:
    with served(WatchedRuns([run])) as server:
        assert server.server_address[0] == "127.0.0.1"
        port = server.server_port
        assert ask(server)[0] == ask(server, Host=f"localhost:{port}")[0] == 200
        assert ask(server, Origin=f"http://{LOOPBACK}:{port}")[0] == 200
        for headers in (
            {"Host": f"evil.example:{port}"},
            {"Host": LOOPBACK},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": f"https://{LOOPBACK}:{port}"},
        ):
            status, text = ask(server, **headers)
            assert status == 403 and "state" not in text, headers
        assert ask(server, "/", Host="evil.example")[0] == 403
        assert ask(server, "/../search.json")[0] == ask(server, "/?a")[0] == 404
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(server, "/", method)[0] == 501
        status, text = ask(server, "/")
        assert status == 200 and "connect-src &#39;self&#39;" in text.replace("'", "&#39;")
        assert HOSTILE not in text


def test_a_damaged_file_is_said_and_the_server_stays(tmp_path: Path) -> None:
    with served(WatchedRuns([tmp_path])) as server:
        assert "Nothing has been written yet" in ask(server, "/")[1]
        first = ask(server)
        (tmp_path / "table.jsonl").write_text('{"format":"edgenas latency table","version":99}\n')
        assert ask(server) != first
        assert "table.jsonl" in ask(server, "/")[1]
        (tmp_path / "table.jsonl").unlink()
        assert "Nothing has been written yet" in ask(server, "/")[1]


def test_a_file_damaged_in_any_way_is_an_answer_too(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object) -> None:
        raise KeyError("no reader foresees this")

    monkeypatch.setattr("edgenas.watch.server.table_progress", damaged)
    with served(WatchedRuns([run])) as server:
        status, text = ask(server, "/")
        assert status == 200 and "KeyError" in text and "no reader foresees this" in text


def test_a_browser_that_hangs_up_prints_nothing(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with served(WatchedRuns([run])) as server:
        for request in (b"GET / HTTP/1.0\r\n\r\n", b"GET /", b""):
            with socket.create_connection((LOOPBACK, server.server_port)) as browser:
                browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset
                browser.sendall(request.replace(b"\r\n\r\n", f"\r\nHost: {server.hosts()[0]}\r\n\r\n".encode()))
        assert ask(server)[0] == 200  # the requests before it are accepted
        names = lambda: "".join(thread.name for thread in threading.enumerate())  # noqa: E731
        wait_until(lambda: "process_request" not in names(), "every answer ends")
        assert ask(server)[0] == 200
    assert capfd.readouterr().err == ""


def test_a_request_that_drips_loses_its_thread(run: Path) -> None:
    with served(WatchedRuns([run])) as server:
        server.request_s = 0.2
        with socket.create_connection((LOOPBACK, server.server_port), timeout=30) as slow:
            end = time.monotonic() + 30
            with pytest.raises(OSError):
                while time.monotonic() < end:
                    slow.sendall(b"G")
                    time.sleep(0.02)
        assert ask(server)[0] == 200


def test_the_command_serves_until_ctrl_c(run: Path) -> None:
    argv = [sys.executable, "-m", "edgenas", "watch", str(run), "--port", "0", "--space", "nas_bench_macro", "--json"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            told = "".join(process.stdout.readline() for _ in range(3))
            url = json.loads(told)["url"]
            port = int(url.rstrip("/").rpartition(":")[2])
            connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
            connection.request("GET", "/state")
            assert set(json.loads(connection.getresponse().read())) == {"state", "wait_s"}
            connection.close()
            assert "only this machine" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


def test_a_port_that_is_taken(run: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "--port 0" in edgenas("watch", run, "--port", port, cwd=tmp_path, check=2).stderr


@pytest.mark.slow
def test_a_browser_sees_what_is_new(tmp_path: Path) -> None:
    device, blocks = Pi(), SPACE.blocks()
    with TableWriter(tmp_path / "t.jsonl", SETTING, "0") as writer, served(WatchedRuns([tmp_path])) as server:
        writer.append([device.measure((b,), 0, "table", "a") for b in blocks])
        with started() as browser:
            tab = browser.new_page()
            tab.set_default_timeout(90_000)
            asked: list[str] = []
            tab.on("request", lambda request: asked.append(request.url))
            tab.goto(server.url)
            tab.get_by_text(f"{len(blocks)} of {3 * len(blocks)}").wait_for()
            tab.get_by_text("running", exact=True).wait_for()
            tab.locator("#live", has_text="Live").wait_for()
            writer.append([device.measure((b,), 1, "table", "b") for b in blocks])
            tab.get_by_text(f"{2 * len(blocks)} of {3 * len(blocks)}").wait_for()
            assert all(url.startswith((server.url, "data:")) for url in asked)
            tab.screenshot(path=screenshot("watch"), full_page=True)
