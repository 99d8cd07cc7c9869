"""What `devices.toml` may hold, and what is said of one that is wrong."""

import os
from pathlib import Path

import pytest

from harness.devices import inventory
from harness.devices.devices_toml import EXAMPLE
from harness.errors import UsageError

OTHER = "[devices.b]\nkind = 'android'\naddress = 'x'\n"


def test_the_example_is_valid_and_resolves(here: Path) -> None:
    (here / "devices.toml").write_bytes(EXAMPLE.read_bytes())
    assert [t.name for t in inventory.resolve(["all"])] == ["kitchen-pi", "pixel", "board"]
    (phone,) = inventory.resolve(["tag:phone"])
    assert (phone.transport, phone.address) == ("adb", "1A2B3C4D5E6F")
    (board,) = inventory.resolve(["board"])
    assert (board.port, board.folder, board.cores) == (2222, "/opt/harness", "big")
    assert (board.launcher, board.libc) == (("nice", "-n", "-5"), "system")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[devices.a]\nkind = 'android'\naddress = 'x'\ncolour = 1", r"there is no key `colour`.*line 4"),
        ("[devices.a]\nkind = 'toaster'\naddress = 'x'", r"toaster.*line 2"),
        ("\n[devices.a]\nkind = 'android'", r"address is missing.*line 2"),
        (
            OTHER + "[devices.a]\nport = 5\nkind = 'toaster'\naddress = 'x'",
            r"device 'a'.*toaster.*line 6",
        ),
        (
            "[devices.b]\nkind = 'android'\naddress = 'x'\n[devices.a]\naddress = 5\nkind = 'android'",
            "line 5",
        ),
        ("[devices.a]\nkind = 'android'\naddress = 'x'\ntags = ['ok', 'a b']", "line 4"),
        (
            "[devices.a]\nkind = 'android'\naddress = 'x'\nlauncher = 'taskset f0'",
            r"launcher cannot have this value.*line 4",
        ),
        ("[device.a]\nkind = 'android'\naddress = 'x'", r"'device' is not a table.*line 1"),
        ("\nkind = 'android'", r"'kind' is not a table.*line 2"),
        ("devices = 5", "'devices' is not a table.*line 1"),
        ("[devices]\na = 5", r"device 'a': this is not a table.*line 2"),
        ("[devices.a]\nkind = 'android'\naddress = '-oProxyCommand=x'", "line 3"),
        ("[devices.a]\nkind = 'android'\naddress = 'x'\nport = 70000", "line 4"),
        ("[devices.a]\nkind = 'android'\naddress = 'x'\ntransport = 'ssh'", "reached by 'ssh'.*line 4"),
        ("[devices.a]\nkind = 'emulator'\naddress = 'x'", "'emulator' is not a kind.*line 2"),
        ("[devices.a]\nkind = 'android'\naddress = 'x'\nlibc = 'system'", "no system glibc.*line 4"),
        (
            "[devices.a]\nkind = 'android'\naddress = 'usb:1A'\ntransport = 'adb'",
            "'usb:1A' cannot be reached by 'adb'.*line 3",
        ),
        (
            "[devices.a]\nkind = 'android'\naddress = 'x'\ncores = '5-1'",
            r"device 'a': '5-1' is not a list of cores",
        ),
        ("[devices.host]\nkind = 'android'\naddress = 'x'", "built-in"),
        ("[devices.a\n", "not valid TOML"),
        ("\na" + ".a" * 200_000 + " = 1", "line 2, has a name of more than 32 parts"),
        ("[" + "'a' . " * 100_000 + "a]", "line 1, has a name of more than 32 parts"),
        ("x = {" + 'a."a".' * 100_000 + "a = 1}", "line 1, has a name of more than 32 parts"),
        ("a" * 1_000_000, "not valid TOML"),
        ('"' * 1_000_000, "not valid TOML"),
        ("- " * 500_000, "not valid TOML"),
        ("a = " + "[" * 100_000, "not valid TOML: its values are nested too deeply"),
        ("a = " + "9" * 100_000, "not valid TOML"),
        ("[devices.\"a\\n\"]\nkind = 'android'\naddress = 'x'", "name consists of at most 64 letters"),
        ("[devices.a]\nkind = 'android'\naddress = \"x\\n\"", "line 3"),
    ],
)
def test_a_wrong_inventory_is_refused_with_its_place(here: Path, text: str, says: str) -> None:
    (here / "devices.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        inventory.resolve(["a"])


def refusal_of(here: Path, text: str) -> UsageError:
    (here / "devices.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        inventory.resolve(["a"])
    return caught.value


@pytest.mark.parametrize(
    ("entry", "says", "hint"),
    [
        ("host = 'x'", "there is no key `host` (line 4)", "choose from: kind, address, transport, "),
        ("serial = 'x'", "there is no key `serial` (line 4)", 'write address = "SERIAL"'),
        ("port = '22'", "port cannot have this value (line 4)", "for example port = 22"),
        ("port = 0", "port cannot have this value (line 4)", "for example port = 22"),
        ("tags = 'pi'", "tags cannot have this value (line 4)", 'for example tags = ["pi"]'),
        ("cores = 10:00:00", "cores cannot have this value (line 4)", 'for example cores = "4-7"'),
        (
            "launcher = 1",
            "launcher cannot have this value (line 4)",
            'for example launcher = ["taskset", "f0"]',
        ),
        ("libc = 'musl'", "libc cannot have this value (line 4)", 'for example libc = "bundled"'),
        (
            "folder = 'opt'",
            "must be an absolute path without ':' and ';' (line 4)",
            'folder = "/opt/harness"',
        ),
        ("tags = ['a b']", "a tag consists of at most 64 letters, digits, ", 'tags = ["pi"]'),
        ("address = 'a b'", "this address is none that adb or ssh takes (line 4)", "pi@192.168.1.20"),
    ],
)
def test_a_wrong_value_is_explained_in_words(here: Path, entry: str, says: str, hint: str) -> None:
    address = "" if entry.startswith("address") else "address = 'x'"
    refused = refusal_of(here, f"[devices.a]\n{address}\nkind = 'linux_board'\n{entry}\n")
    assert says in refused.what
    assert hint in refused.hint
    assert "regex" not in refused.what


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (
            "[devices.a]\nkind = 'android'",
            "device 'a': address is missing (line 1)",
            'address = "pi@192.168.1.20"',
        ),
        ("[devices.a]\naddress = 'x'", "device 'a': kind is missing (line 1)", 'kind = "android"'),
        (
            "[devices]\na = 1",
            "device 'a': this is not a table [devices.NAME] (line 2)",
            "prints a valid file",
        ),
    ],
)
def test_what_is_missing_is_named_with_an_example(here: Path, text: str, says: str, hint: str) -> None:
    refused = refusal_of(here, text)
    assert refused.what.endswith(says)
    assert hint in refused.hint


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["CRLF", "byte order mark"])
def test_what_an_editor_on_windows_writes_is_read(here: Path, mark: str) -> None:
    text = f"{mark}[devices.a]\r\nkind = 'android'\r\naddress = 'x'\r\n"
    (here / "devices.toml").write_bytes(text.encode())
    assert [target.name for target in inventory.resolve(["a"])] == ["a"]


def test_utf_16_is_refused_with_what_to_do(here: Path) -> None:
    (here / "devices.toml").write_text("[devices.a]", encoding="utf-16")
    with pytest.raises(UsageError, match="is not UTF-8 text") as caught:
        inventory.resolve(["a"])
    assert caught.value.hint == "save the file as UTF-8"


def test_a_link_to_nothing_in_the_place_of_the_inventory_is_named(here: Path) -> None:
    (here / "devices.toml").symlink_to("unplugged/devices.toml")
    with pytest.raises(UsageError, match="is a link to a file that is not there"):
        inventory.resolve(["host"])


def test_a_pipe_and_an_endless_file_in_the_place_of_the_inventory_are_refused(here: Path) -> None:
    os.mkfifo(here / "devices.toml")
    with pytest.raises(UsageError, match="it is not a regular file"):
        inventory.resolve(["a"])
    (here / "devices.toml").unlink()
    (here / "devices.toml").symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="it is not a regular file"):
        inventory.resolve(["a"])
    (here / "devices.toml").unlink()
    (here / "devices.toml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(UsageError, match="it is larger than 1 MiB"):
        inventory.resolve(["a"])
