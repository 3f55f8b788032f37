"""What many tests share."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# their asserts say what they saw, as those of tests do, whichever file is read first
pytest.register_assert_rewrite(
    "tests.support.algorithm_conformance", "tests.support.job_conformance", "tools.rig.fixtures"
)

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """No property test has a deadline: a busy machine would miss it. And Ctrl-C works, which a shell has what it runs
    in the background ignore, as do then all programs started from there; likewise hang-ups under nohup, which this
    process survives (what has a handler is not ignored after exec)."""
    settings.register_profile("edgenas", deadline=None)
    settings.load_profile("edgenas")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)


#: files of tests whose numbers depend on the processor: training, int8, writers
NUMERICAL = ("test_training", "test_supernet", "test_int8", "test_export", "test_weights")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks the tests that ``tools/check`` runs once more, held to an older processor's instructions."""
    if item.path.name.startswith(NUMERICAL):
        item.add_marker(pytest.mark.numerical)


@pytest.hookimpl(trylast=True)  # when those that do not run have been left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first, dealt out among the test processes, each of which begins with a share of the list: a long one
    at the end would run alone while the other cores wait. Those that need ``one_board`` are one share: they take turns
    anyway."""
    long = sorted((item for item in items if _limit_s(item)), key=_limit_s, reverse=True)
    others = [item for item in items if not _limit_s(item)]
    shares = int(getattr(config, "workerinput", {}).get("workercount", 1))
    dealt: list[list[pytest.Item]] = [[] for _ in range(shares)]
    for item in long:
        turns = "one_board" in getattr(item, "fixturenames", ())
        (dealt[0] if turns else min(dealt, key=lambda share: sum(map(_limit_s, share)))).append(item)
    for share in dealt[:-1]:
        room = max(0, len(items) // shares - len(share))
        share += others[:room]
        del others[:room]
    dealt[-1] += others
    items[:] = [item for share in dealt for item in share]


def _limit_s(item: pytest.Item) -> float:
    """The time limit that a test sets for itself, which only long ones do; 0 where it has none."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


_broken: list[object] = []


def pytest_internalerror(excrepr: object) -> None:
    """See ``pytest_sessionfinish``."""
    _broken.append(excrepr)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test process that breaks in the middle fails the run; xdist tells of it and exits with 0."""
    if _broken and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


@pytest.hookimpl(wrapper=True, tryfirst=True)  # after pytest's own summary
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Count skipped tests by the missing thing; a file that needs it as a whole is skipped when it is collected."""
    from tests.support.skips import summary

    yield
    skipped = terminalreporter.stats.get("skipped", [])
    line = summary((str(report.longrepr[2]), isinstance(report, pytest.CollectReport)) for report in skipped)
    if line:
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Published benchmark files, which are not part of the project: a folder beside the checkout, or
    EDGENAS_SHARED_DATA. A test that needs them skips where they are absent."""
    folder = Path(os.environ.get("EDGENAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"published benchmark data not found at {folder}; set EDGENAS_SHARED_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_locks() -> Iterator[None]:
    """A place of this test process's own for locks and work folders: tests run side by side, and each would find this
    machine in use by the others."""
    with tempfile.TemporaryDirectory(prefix="ent-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", f"{folder}/cache")
        patch.setenv("EDGENAS_LOCK_FOLDER", folder)
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture
def one_board() -> Iterator[None]:
    """This machine is a board, over ssh: one board, with one lock, on which tests of several processes take turns."""
    with Path(f"/tmp/edgenas-tests-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
