"""What is sent to a device's shell and what is believed of its answer: pure, and tried in this machine's shells."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import DeviceError, DeviceInputError, TransferError
from edgenas.devices.transports import home, transfer
from edgenas.devices.transports.owner import Owner, this_process
from edgenas.devices.transports.remote import (
    LINE_LIMIT_BYTES,
    Marked,
    ShellCommand,
    check_host,
    check_path,
    check_port,
    check_serial,
    check_user,
    new_mark,
    run_command,
)
from tests.support.waiting import gone

SHELLS = [s for s in ("dash", "bash", "mksh", "busybox") if shutil.which(s)]
LOGIN_SHELLS = [s for s in ("sh", "bash", "tcsh", "fish", "zsh", "mksh") if shutil.which(s)]
ME = Owner("0123456789ab", "01234567", 12, 34)


def shell(name: str, command: ShellCommand) -> subprocess.Popen[bytes]:
    argv = ["busybox", "sh", "-c"] if name == "busybox" else [name, "-c"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*argv, command.line.replace("exec sh", f"exec {' '.join(argv[:-1])}")], stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdin
    process.stdin.write(command.script)
    process.stdin.flush()
    return process


# -- commands


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("how", ["input ends", "hang-up"])
def test_a_command_is_killed_at_once_when_nobody_listens(name: str, how: str) -> None:
    process = shell(name, run_command(["sh", "-c", "echo up; sleep 60 & sleep 60"], "MARK:", limit_s=60))
    assert process.stdin and process.stdout and process.stderr
    assert [process.stdout.readline() for _ in range(3)] == [b"\n", b"MARK:+\n", b"up\n"]
    begin = time.monotonic()
    if how == "hang-up":
        process.send_signal(signal.SIGHUP)
    else:
        process.stdin.close()
    rest = process.stdout.read(), process.stderr.read()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    process.stderr.close()
    assert time.monotonic() - begin < 45, "it waited for the device's own limit"
    assert rest[0].startswith(b"\nMARK:")
    assert rest[1] == b"\nMARK:+\n\nMARK:\n"


@pytest.mark.parametrize("name", SHELLS)
def test_a_hang_up_at_any_moment_leaves_no_command(name: str) -> None:
    begin = time.monotonic()
    processes = []
    for n in range(20):
        process = shell(name, run_command(["sleep", "60"], "MARK:", limit_s=60))
        time.sleep(n / 2000)
        process.send_signal(signal.SIGHUP)
        processes.append(process)
    for process in processes:
        process.communicate()  # ends when nobody holds its streams any more
    assert time.monotonic() - begin < 45


@pytest.mark.parametrize("name", SHELLS)
def test_what_a_command_leaves_behind_is_killed(name: str) -> None:
    process = shell(name, run_command(["sh", "-c", "sleep 60 & echo $!; exit 5"], "MARK:", limit_s=60))
    begin = time.monotonic()
    assert process.stdin and process.stdout and process.stderr
    out, err = process.stdout.read(), process.stderr.read()
    process.communicate()
    assert time.monotonic() - begin < 20
    pid, _, mark = out.removeprefix(b"\nMARK:+\n").partition(b"\n")
    assert (mark, err) == (b"\nMARK:5\n", b"\nMARK:+\n\nMARK:\n")
    assert gone(int(pid))


@pytest.mark.parametrize("argv", [[], ["a\0b"], ["x" * 130_000], ["'" * 20_000]])
def test_what_no_command_line_can_hold(argv: list[str]) -> None:
    with pytest.raises(DeviceInputError):
        run_command(argv, new_mark(), limit_s=1)


ARGUMENTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=5)


@settings(max_examples=30)
@given(ARGUMENTS)
@pytest.mark.parametrize("login", LOGIN_SHELLS)
@pytest.mark.parametrize("padding", [0, LINE_LIMIT_BYTES], ids=["on the line", "on stdin"])
def test_arguments_arrive_whatever_they_hold(login: str, padding: int, arguments: list[str]) -> None:
    command = run_command(["printf", "%s\\0", *arguments, "x" * padding], "M:", limit_s=5)
    assert bool(command.script) == bool(padding)
    with subprocess.Popen([login, "-c", command.line], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(command.script)
        process.stdin.flush()  # and it stays open: its end kills the command
        out = process.stdout.read()
    got = bytearray()
    Marked("M:", got.extend).take(out)
    assert bytes(got).decode().split("\0") == [*arguments, "x" * padding, ""]


# -- answers


@given(st.binary(max_size=600), st.binary(max_size=600), st.integers(0, 255), st.lists(st.integers(1, 50), max_size=40))
def test_a_marked_stream_gives_back_its_bytes_however_they_are_cut(
    printed: bytes, data: bytes, code: int, cuts: list[int]
) -> None:
    mark, got = new_mark(), bytearray()
    whole = printed + f"\n{mark}+\n".encode() + data + f"\n{mark}{code}\n".encode() + b"and what came too late"
    marked = Marked(mark, got.extend)
    for cut in [*cuts, len(whole)]:
        marked.take(whole[:cut])
        whole = whole[cut:]
    assert (bytes(got), marked.ended, marked.code, marked.size) == (data, True, code, len(data))


@given(st.binary(max_size=400))
def test_a_stream_without_its_mark_has_not_ended(data: bytes) -> None:
    got, mark = bytearray(), new_mark()
    marked = Marked(mark, got.extend)
    marked.take(f"\n{mark}+\n".encode() + data + b"\nedgenas-0123456789abcdef:0\n")
    assert not marked.ended
    marked.give_up()
    assert bytes(got).startswith(data)


#: lines that a device may answer with, right and wrong
greetings = st.one_of(
    st.text(),
    st.sampled_from(["home /tmp/edgenas-1", "home tmp", "boot 00000000-0001", "boot ;reboot", "serial 1A2B"]),
    st.builds("home /{}".format, st.text()),
    st.builds("work work-{} {} {}".format, st.sampled_from(["abcd0123", "../../etc", "a"]), st.integers(), st.text()),
    st.builds("work work-abcd{} 999999999 {} 00000000-0000".format, st.sampled_from(["0123", "4567"]), st.just(ME)),
)


@given(st.lists(greetings, max_size=8), st.booleans())
def test_of_any_answer_to_a_greeting_only_our_own_names_are_believed(lines: list[str], whole: bool) -> None:
    """What is understood is written in the answer; nothing but work folders is ever called stale."""
    answer = "\n".join([*lines, *(["home /tmp/edgenas-1", "boot 00000000-0001"] if whole else [])])
    try:
        found = home.seen(answer)
    except DeviceError:
        assert not whole or "serial" in answer, "the last line of a kind counts"
        return
    written = answer.splitlines()
    assert f"home {found.path}" in [line.rstrip() for line in written]
    assert found.path.startswith("/") and found.serial.isprintable()
    assert not whole or (found.path, found.boot) == ("/tmp/edgenas-1", "00000000-0001")
    ours = [line.split(" ") for line in written if re.match(r"work work-\w{8} -?\d{1,12} ", line)]
    assert [[w.name, str(w.age_s)] for w in found.works] == [[name, str(int(age))] for _, name, age, *_ in ours]
    stale = home.stale(found, this_process())
    assert set(stale) <= {name for _, name, *_ in ours}
    assert {w.name for w in found.works if w.owner == ME and w.boot != found.boot} <= set(stale)


def test_which_work_folders_are_stale() -> None:
    me = this_process()
    dead = Owner(me.host, me.boot, me.pid, me.start - 1)
    works = [
        ("work-mineaaaa", 9, me, "b00t-0001"),
        ("work-minebbbb", 9, me, "b00t-0000"),
        ("work-deadaaaa", 9, dead, "b00t-0001"),
        ("work-othraaaa", 9, ME, "b00t-0001"),
        ("work-othrbbbb", 9, ME, "b00t-0000"),
        ("work-othrcccc", 8 * 86400, ME, "b00t-0001"),
        ("work-nonameaa", 9, None, ""),
        ("work-nonamebb", 999, None, ""),
    ]
    lines = [f"work {name} {age} {owner or ''} {boot}" for name, age, owner, boot in works]
    strange = ["work ../../etc 999999999", "work work-a/b12345 99999", "work work-toolong99 99999", "work -rf 99999"]
    answer = "\n".join(["home /tmp/edgenas-1", "boot 00000000-0001", "serial ", *lines, *strange])
    found = home.seen(answer.replace("b00t", "00000000"))
    gone = {"work-deadaaaa", "work-othrbbbb", "work-othrcccc", "work-nonamebb"}
    assert set(home.stale(found, me)) == gone
    assert set(home.stale(found, me, {"/tmp/edgenas-1/work-mineaaaa"})) == gone | {"work-mineaaaa"}


@pytest.mark.parametrize("name", ["../x", "work-", "work-abc/defg", "work-abcdefg;", "*", "work-abcdefghi"])
def test_only_our_own_names_are_ever_removed(name: str) -> None:
    with pytest.raises(ValueError, match="not names of work folders"):
        home.remove_work("/tmp/edgenas-1", [name])
    with pytest.raises(ValueError, match="not the name of a work folder"):
        home.make_work("/tmp/edgenas-1", name, this_process())


def test_more_than_was_announced_is_refused() -> None:
    arrival = transfer.Arrival(io.BytesIO())
    arrival.take(b"file 644 3 ")
    arrival.take(b"0" * 64 + b"\nab")
    with pytest.raises(TransferError, match="more arrived than the 3 bytes"):
        arrival.take(b"cd")
    with pytest.raises(TransferError, match="differs"):
        arrival.finish()


@given(st.binary(max_size=300))
def test_no_answer_to_a_pull_crashes(data: bytes) -> None:
    arrival = transfer.Arrival(io.BytesIO())
    with pytest.raises(TransferError):
        arrival.take(data)
        arrival.finish()


@pytest.mark.parametrize("kind", ["link", "outside", "absolute", "device"])
def test_an_archive_that_would_leave_its_folder_is_refused(tmp_path: Path, kind: str) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo({"outside": "../evil", "absolute": "/tmp/evil-edgenas"}.get(kind, "x"))
        if kind == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        elif kind == "device":
            member.type = tarfile.CHRTYPE
        archive.addfile(member)
    file.seek(0)
    with pytest.raises((TransferError, tarfile.TarError)):
        transfer.unpack(file, tmp_path / "it")
        assert kind == "absolute"
        raise TransferError("it landed inside, which is harmless")
    assert not (tmp_path / "evil").exists()
    assert not Path("/tmp/evil-edgenas").exists()


# -- what people write


@pytest.mark.parametrize("path", ["", "a", "/a/../b", "/a\n", "/a\x1b[2J", "/nul\0", "/" + "a" * 1000, "/\ud800"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(DeviceInputError, match="absolute"):
        check_path(path)


@pytest.mark.parametrize(
    "host", ["", "-oProxyCommand=x", "a b", "a;b", "$(x)", "a\n", "a/b", "x" * 300, "[::1]", "a@b"]
)
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(DeviceInputError, match="not a host"):
        check_host(host)


def test_hosts_users_serials_and_ports_that_are() -> None:
    for host in ("pi4", "pi4.local", "192.168.1.20", "::1", "fe80::1%eth0", "my_board", "2001:db8::1"):
        assert check_host(host) == host
    for serial in ("1A2B3C", "emulator-5554", "192.168.1.20:5555", "[fe80::1]:5555", "adb-1A2B._adb-tls-connect._tcp"):
        assert check_serial(serial) == serial
    assert (check_user("pi"), check_port(22)) == ("pi", 22)


@pytest.mark.parametrize("user", ["", "-l", "a b", "root;x", "a\n"])
def test_users_that_are_none(user: str) -> None:
    with pytest.raises(DeviceInputError, match="not a user"):
        check_user(user)


@pytest.mark.parametrize("port", [0, -1, 65536, True])
def test_ports_that_are_none(port: int) -> None:
    with pytest.raises(DeviceInputError, match="not a port"):
        check_port(port)


def test_an_owner_is_read_back_and_knows_its_dead() -> None:
    me = this_process()
    assert Owner.parse(str(me)) == me
    assert not me.is_dead(me)
    assert Owner(me.host, me.boot, os.getpid(), me.start + 1).is_dead(me)
    assert not ME.is_dead(me)
    assert Owner.parse("x") is None
