"""devices.toml: boards and phones as written, every fault with its line and remedy, and changing the file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgenas.base.errors import DeviceInputError
from edgenas.devices.inventory import KINDS, Entry, Phone, find, load_inventory, parse_inventory
from edgenas.devices.inventory_file import append_section, set_field
from edgenas.devices.sections import TOOLS
from edgenas.devices.tools import Tool
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.ssh.paramiko_link import SshDevice

FILE = Path("devices.toml")
PI = "[devices.pi4]\nkind = 'ssh'\n"
PIXEL = "[devices.pixel]\nkind = 'adb'\n"
SHA = "ab" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ~/.ssh/config but the test's own."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


def test_a_board(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PI + (
        "host = 'pi4.local'\nuser = 'pi'\nport = 2222\nkey = '~/.ssh/id'\njump = 'me@gate:22'\n"
        "python = '/home/pi/.edgenas/litert-1/python'\ncores = [3, 2]\npool = 'pi4'\n"
    )
    entry = parse_inventory(text, FILE)["pi4"]
    assert (entry.kind, entry.python, entry.cores, entry.pool) == (
        "ssh",
        "/home/pi/.edgenas/litert-1/python",
        (2, 3),
        "pi4",
    )
    target = entry.target
    assert target is not None and target.jump is not None
    assert (str(target), str(target.jump), target.keys) == (
        "pi@pi4.local:2222",
        "me@gate:22",
        (home / ".ssh/id",),
    )
    assert target.known_hosts == home / ".config/edgenas/known_hosts"
    assert isinstance(entry.open(), SshDevice) and entry.open().name == "pi4"
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    moved = parse_inventory(text, FILE)["pi4"].target
    assert moved is not None and moved.known_hosts == Path("/elsewhere/edgenas/known_hosts")


def test_what_a_board_leaves_out_comes_from_ssh_config(home: Path) -> None:
    (home / ".ssh/config").write_text("Host pi4\n  HostName 192.168.1.20\n  User pi\n  Port 2200\n")
    entry = parse_inventory(PI + "host = 'pi4'", FILE)["pi4"]
    assert (str(entry.target), entry.python) == ("pi@192.168.1.20:2200", "python3")
    alone = parse_inventory(PI + "host = 'pi4'\nuser = 'me'\nssh_config = false", FILE)["pi4"]
    assert str(alone.target) == "me@pi4:22"
    (home / ".ssh/config").write_text("Host pi4\n  BindInterface eth0\n")


def test_a_line_of_ssh_config_that_cannot_be_obeyed_concerns_its_board_alone(home: Path) -> None:
    (home / ".ssh/config").write_text("Host pi4\n  BindInterface eth0\n")
    entries = parse_inventory(PI + "host = 'pi4'\n[devices.other]\nkind = 'ssh'\nhost = 'other'\n", FILE)
    says = r"devices.toml, line 3: devices.pi4: .*config, line 2: .*ssh_config = "
    with pytest.raises(DeviceInputError, match=says):
        find(entries, "pi4")
    with pytest.raises(DeviceInputError, match=says):
        entries["pi4"].open()
    assert isinstance(find(entries, "other").open(), SshDevice)
    obeyed = parse_inventory(PI + "host = 'pi4'\nssh_config = false", FILE)
    assert str(find(obeyed, "pi4").target).endswith("@pi4:22")


def test_a_phone(home: Path) -> None:
    text = PIXEL + (
        "serial = '192.168.1.30:5555'\nhardware_serial = 'RIG0001'\nadb = '~/adb'\npool = 'pixel'\n"
        f"benchmark_model = '~/benchmark_model'\nbenchmark_model_sha256 = '{SHA}'\n"
    )
    entry = parse_inventory(text, FILE)["pixel"]
    assert entry == Entry(
        "pixel",
        "adb",
        "",
        None,
        "pixel",
        {"benchmark_model": Tool(home / "benchmark_model", SHA)},
        phone=Phone("192.168.1.30:5555", "RIG0001", str(home / "adb")),
    )
    assert isinstance(entry.open(), AdbDevice)
    assert len({entry, parse_inventory(text, FILE)["pixel"]}) == 1, "entries are values"
    assert parse_inventory(PIXEL, FILE)["pixel"].phone == Phone()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PI, r"line 1: devices.pi4.host: missing; write host = "),
        (PI + "host = '-oProxyCommand=x'", "line 3: devices.pi4.host: .*not a host"),
        (PI + "host = 'a;b'", "line 3: devices.pi4.host: .*not a host"),
        (PI + 'host = "a\\u001b[2J"', "line 3: devices.pi4.host: .*not a host"),
        (PI + "host = '../x'", "devices.pi4.host: .*not a host"),
        (PI + "host = 1", "devices.pi4.host: .*string.*'1'; write host"),
        (PI + "host = 'a'\nuser = '-l root'", "line 4: devices.pi4.user: .*not a user"),
        (PI + "host = 'a'\nport = 70000", "line 4: devices.pi4.port: 70000 is not a port"),
        (PI + "host = 'a'\nport = '22'", "devices.pi4.port: .*integer.*; write a number"),
        (PI + "host = 'a'\nkey = 'id'", "devices.pi4.key: 'id' is not a path"),
        (PI + "host = 'a'\nkey = '/a/../b'", "devices.pi4.key: .*not a path"),
        (PI + 'host = "a"\nkey = "/a\\u0000"', "devices.pi4.key: .*not a path"),
        (PI + "host = 'a'\njump = 'b c'", "line 4: devices.pi4: 'b c' is not a host"),
        (PI + f"host = 'a'\njump = 'b:{'1' * 480}'", "devices.pi4: .* is not a port"),
        (PI + "host = 'a'\npassword = 'raspberry'", "line 4: devices.pi4.password: no password.*ssh-copy-id"),
        (
            PI + "host = 'a'\nserial = 'x'",
            "devices.pi4.serial: unknown field; did you mean 'user'. Known: kind, host, user",
        ),
        (PI + "host = 'a'\npool = 'A B'", "devices.pi4.pool: .*write a name"),
        (PI + "host = 'a'\n\"a\\u001b[2J\" = 1", "devices.pi4.a .*: unknown field"),
        (PIXEL + "serial = '-s'", "line 3: devices.pixel.serial: .*not an adb serial"),
        (PIXEL + "serial = 'x; reboot'", "devices.pixel.serial: .*not an adb serial"),
        (PIXEL + "python = 'python3'", "devices.pixel.python: unknown field; known: kind, serial"),
        (
            PIXEL + "benchmark_model = '/b m'",
            "line 3: devices.pixel.benchmark_model_sha256: missing; .*sha256sum '/b m'",
        ),
        (PIXEL + f"benchmark_model_sha256 = '{SHA}'", "line 3: devices.pixel.benchmark_model: missing; write the path"),
        (PIXEL + "benchmark_model_sha256 = 'AB'", "devices.pixel.benchmark_model_sha256: .*write the 64 digits"),
        (
            "[devices.x]\nkind = 'usb'",
            "line 2: devices.x.kind: no device kind 'usb'; there are local, ssh, adb; one of your own is FILE.py:NAME",
        ),
        ("[devices.x]\nkind = ['ssh']", "line 2: devices.x.kind: must be"),
        ("a = " + "[" * 5000, "not TOML"),
        ("a = " + "1" * 5000, "not TOML"),
    ],
)
def test_a_fault_says_where_and_what_to_write(text: str, says: str) -> None:
    with pytest.raises(DeviceInputError, match=says) as caught:
        parse_inventory(text, FILE)
    assert str(caught.value).isprintable()


def test_a_key_that_others_can_read_is_refused(home: Path) -> None:
    key = home / ".ssh/id"
    key.write_text("secret")
    key.chmod(0o644)
    text = PI + "host = 'a'\nkey = '~/.ssh/id'"
    with pytest.raises(DeviceInputError, match=rf"line 4: devices.pi4.key: .*type: chmod 600 '{key}'"):
        parse_inventory(text, FILE)
    key.chmod(0o600)
    assert parse_inventory(text, FILE)["pi4"].target


_FIELDS = sorted({"password", "x y"} | {field for kind in KINDS.values() for field in kind.section.model_fields})
_WORDS = ["local", "ssh", "adb", "pi4.local", "-x", "~/a", "/a/b", "../a", "pi@a:22,b", SHA, "a;b", "\x1b[2J", "\0", ""]
_VALUES = st.one_of(
    st.sampled_from(_WORDS), st.text(max_size=8), st.integers(), st.booleans(), st.floats(), st.lists(st.integers(0, 9))
)


def toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08X}" for c in value) + '"'
    return str(value).lower() if isinstance(value, bool | float) else str(value)


@given(
    st.dictionaries(
        st.one_of(st.sampled_from(["a", "pi-4", "local"]), st.text(max_size=3)),
        st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=6),
        max_size=3,
    )
)
def test_any_sections_are_entries_or_one_clear_error(sections: dict[str, dict[str, object]]) -> None:
    text = ""
    for name, fields in sections.items():
        lines = "".join(f"{toml(field)} = {toml(value)}\n" for field, value in fields.items())
        text += f"[devices.{toml(name)}]\n{lines}"
    try:
        entries = parse_inventory(text, FILE)
    except DeviceInputError as error:
        assert str(error).isprintable() and "devices.toml" in str(error)
        return
    assert entries.keys() == {"local", *sections}
    for entry in entries.values():
        assert (entry.kind == "ssh") == (entry.target is not None)
        assert set(entry.tools) <= set(TOOLS)


@given(st.text())
@example("[devices.a]\nkind='ssh'\nhost='a'\n[devices.a.b]")
@example("devices.a.kind = 'local'")
def test_any_text_is_entries_or_one_clear_error(text: str) -> None:
    try:
        assert "local" in parse_inventory(text, FILE)
    except DeviceInputError as error:
        assert str(error).isprintable()


# -- changing the file


def test_a_section_is_added_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    before = "# my devices\r\n[devices.b]  # bench\r\nkind = 'local'"
    path.write_bytes(before.encode())
    path.chmod(0o640)
    append_section(path, "pi4", {"kind": "ssh", "host": "pi4.local", "port": 22, "cores": (2, 3)})
    text = path.read_bytes().decode()
    assert text.startswith(before + "\n\n[devices.pi4]\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(load_inventory(path)) == ["local", "b", "pi4"]
    assert tomllib.loads(text)["devices"]["pi4"] == {"kind": "ssh", "host": "pi4.local", "port": 22, "cores": [2, 3]}
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("b", {"kind": "local"}, "b is there already"),
        ("local", {"kind": "local"}, "local is there already"),
        ("x]\n[devices.y", {"kind": "local"}, "device name .* must be"),
        ("x", {"kind": "ssh", "host": "-x"}, "the new section, line 3: devices.x.host: '-x' is not a host"),
        ("x", {"kind": "ssh", "host": 'a"\nuser = "root'}, "control characters"),
    ],
)
def test_what_cannot_be_added_changes_nothing(tmp_path: Path, name: str, fields: dict[str, str], says: str) -> None:
    path = tmp_path / "devices.toml"
    path.write_text("[devices.b]\nkind = 'local'\n")
    with pytest.raises(DeviceInputError, match=says):
        append_section(path, name, fields)
    assert path.read_text() == "[devices.b]\nkind = 'local'\n"


@given(st.text(), st.text())
@example('C:\\"tools"', "\u2028")
def test_any_value_comes_back_or_is_refused(tmp_path_factory: pytest.TempPathFactory, name: str, pool: str) -> None:
    path = tmp_path_factory.mktemp("x") / "devices.toml"
    try:
        append_section(path, "phone", {"kind": "adb", "adb": f"/{name}", "pool": pool or "p"})
    except DeviceInputError:
        assert not path.exists()
    else:
        assert load_inventory(path)["phone"].phone == Phone(program=str(Path(f"/{name}")))


def test_one_field_is_written(tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    path.write_text("[devices.a]\nkind = 'local'\n\n[devices.b] # no end of line", encoding="utf-8")
    with pytest.raises(DeviceInputError, match=r"devices.b.kind: missing"):
        set_field(path, "a", "python", "/p")
    path.write_text("[devices.a]\nkind = 'local' # here\n\n[devices.b]\nkind = 'local'\npython = '/old'")
    set_field(path, "a", "python", "/new")
    set_field(path, "b", "python", "/newer")
    assert path.read_text() == (
        "[devices.a]\npython = \"/new\"\nkind = 'local' # here\n\n[devices.b]\nkind = 'local'\npython = \"/newer\""
    )
    with pytest.raises(DeviceInputError, match=r'write python = "/x" by hand'):
        set_field(path, "local", "python", "/x")
    path.write_text("devices.a.kind = 'local'")
    with pytest.raises(DeviceInputError, match=r"no plain \[devices.a\]"):
        set_field(path, "a", "python", "/x")


def test_comments_and_order_stay(tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    path.write_text(
        "[devices.a] # left\nkind = \"local\" # here\n\n# about b\n[devices.b]\npool = 'p'\nkind = 'local'\n"
        "python = '/old'  # by hand\n# the end\n"
    )
    set_field(path, "a", "python", "/new")
    set_field(path, "b", "python", "/newer")
    append_section(path, "c", {"kind": "local"})
    assert path.read_text() == (
        '[devices.a] # left\npython = "/new"\nkind = "local" # here\n\n# about b\n[devices.b]\npool = \'p\'\n'
        'kind = \'local\'\npython = "/newer"  # by hand\n# the end\n\n[devices.c]\nkind = "local"\n'
    )


@pytest.mark.parametrize("before", ["devices = {a = {kind = 'local'}}\n", "devices = {}"])
def test_a_section_is_not_added_to_an_inline_table(tmp_path: Path, before: str) -> None:
    path = tmp_path / "devices.toml"
    path.write_text(before)
    with pytest.raises(DeviceInputError, match=r"devices = \{...\} holds no sections"):
        append_section(path, "b", {"kind": "local"})
    assert path.read_text() == before
