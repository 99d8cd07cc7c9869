"""What a lab refuses, on Ray's real processes: each with what is wrong, a hint, and nothing left running."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from harness_command import Ended
from lab_hosts import LabHosts, find_free_port

pytestmark = [pytest.mark.slow, pytest.mark.device]

# 6 s were seen where nothing else runs, 10 s are promised. Ray's own client tries again for minutes.
TOLD_WITHIN_S = 10.0
BUSY_MACHINE_S = 20.0
SMALL = ("--width", "0.25", "--resolution", "32", "--precision", "fp32", "--processes", "1", "--quiet")
OTHER_VERSION = "9.9.9"
OTHER_PATCH_OF_PYTHON = """
import collections, sys
Version = collections.namedtuple("Version", "major minor micro releaselevel serial")
sys.version_info = Version(*sys.version_info[:2], 99, "final", 0)
"""
CLOCK_AN_HOUR_AHEAD = """
import time
right = time.time
time.time = lambda: right() + 3600
"""


def assert_refused(ended: Ended, exit_code: int, *words: str) -> None:
    assert (ended.exit_code, ended.stdout) == (exit_code, ""), ended
    assert "Traceback" not in ended.stderr
    said = " ".join(ended.stderr.split())
    assert "hint: " in said
    for each in words:
        assert each in said


def assert_nothing_runs(hosts: LabHosts, *names: str) -> None:
    """No process of these hosts, whose joining was refused; and the lab is as before."""
    for name in names:
        assert hosts.ray_processes(name) == []
        assert not list((hosts.caches[name] / "lab" / "hosts").glob("*"))
    ended = hosts.run("desk", "lab", "status", hosts.address, "--json")
    assert [host["name"] for host in ended.document["hosts"]] == ["desk", "door", "shelf"]
    assert ended.document["problem"] is None


@contextmanager
def listening(backlog: int) -> Iterator[str]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(backlog)
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def unanswered() -> Iterator[str]:
    """An address at which connections are neither taken nor refused, as behind a firewall."""
    with listening(0) as address, socket.socket() as first, socket.socket() as second:  # its queue is full
        host, _, port = address.partition(":")
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex((host, int(port)))
        yield address


@contextmanager
def closed() -> Iterator[str]:
    yield f"127.0.0.1:{find_free_port()}"


@contextmanager
def silent() -> Iterator[str]:
    with listening(8) as address:
        yield address


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (closed, "no lab can be reached at {}: connection refused"),
        (unanswered, "no lab can be reached at {}: no answer"),
        (silent, "what answers at {} is not a lab"),
    ],
    ids=["closed port", "no answer", "silent server"],
)
@pytest.mark.parametrize("command", ["run", "join"])
def test_an_unreachable_address_is_told_soon(
    hosts: LabHosts,
    place: Callable[[], AbstractContextManager[str]],
    words: str,
    command: str,
    tmp_path: Path,
) -> None:
    with place() as address:
        arguments = {
            "run": ("run", "--lab", address, "-d", "emu-a", *SMALL, "--out", tmp_path / "run"),
            "join": ("lab", "join", address, "--name", "attic", "--device", "emu-q=emulator"),
        }[command]
        begun = time.monotonic()
        ended = hosts.run("attic", *arguments)
        assert time.monotonic() - begun < TOLD_WITHIN_S + BUSY_MACHINE_S
    assert_refused(ended, 4, words.format(address))
    assert not (tmp_path / "run").exists()
    assert hosts.ray_processes("attic") == []


def test_a_token_that_is_wrong_missing_empty_or_open_to_others_is_refused_at_once(
    hosts: LabHosts, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    join = ("lab", "join", hosts.address, "--name", "attic", "--device", "emu-q=emulator")
    run = ("run", "--lab", hosts.address, "-d", "emu-a", *SMALL, "--out", tmp_path / "run")

    def refuse(command: tuple[str | Path, ...], what: str, hint: str) -> None:
        ended = hosts.run("attic", *command, env={"HARNESS_LAB_TOKEN": str(token)})
        assert_refused(ended, 2, what, hint)

    refuse(join, f"the lab's token {token} cannot be read: No such file", "copy it from the head's host")
    token.write_text("5" * 64)
    token.chmod(0o644)
    refuse(run, f"other users may read the lab's token {token}", f"chmod 600 {token}")
    token.chmod(0o600)
    for command in (join, run):
        refuse(command, f"the lab at {hosts.address} does not accept the token {token}", "copy the token")
    token.write_text("\n")
    refuse(run, f"the lab's token {token} is empty", "copy it again")
    assert not (tmp_path / "run").exists()
    assert hosts.ray_processes("attic") == []


def test_devices_that_nobody_offers_or_that_several_names_fit_are_refused_with_those_there_are(
    hosts: LabHosts, tmp_path: Path
) -> None:
    def run(device: str) -> Ended:
        return hosts.run(
            "desk", "run", "--lab", hosts.address, "-d", device, *SMALL, "--out", tmp_path / "run"
        )

    there = "emu-a (host desk), emu-b (host desk), emu-e (host door), emu-c (host shelf), emu-d (host shelf)"
    assert_refused(run("pixel"), 2, "no host of the lab offers a device 'pixel'", there)
    assert_refused(run("tag:phone"), 2, "no host of the lab offers a device with the tag 'phone'", there)
    assert_refused(run("emu"), 4, "'emu' fits 5 devices of the lab: emu-a, emu-b, emu-e, emu-c, emu-d")
    assert not (tmp_path / "run").exists()


def test_a_device_or_a_name_that_another_host_has_keeps_the_second_host_out(hosts: LabHosts) -> None:
    device = hosts.join("attic", "emu-e=emulator")
    assert_refused(device, 2, "hosts attic and door both offer the device emu-e", "--device NAME=emu-e")
    name = ("lab", "join", hosts.address, "--name", "door", "--device", "emu-q=emulator")
    assert_refused(
        hosts.run("attic", *name), 2, "another host of the lab has the name door", "another --name"
    )
    assert_nothing_runs(hosts, "attic")


def test_a_host_with_another_version_or_another_clock_is_kept_out_and_both_hosts_are_named(
    hosts: LabHosts, tmp_path: Path
) -> None:
    # Another patch version of Python, such as that of another distribution, is no reason.
    other = make_packages(tmp_path / "other", OTHER_PATCH_OF_PYTHON, OTHER_VERSION)
    version = hosts.join("attic", "emu-q=emulator", PYTHONPATH=other)
    assert_refused(version, 2, f"host attic has harness {OTHER_VERSION}, host desk has", "the same versions")
    ahead = make_packages(tmp_path / "ahead", CLOCK_AN_HOUR_AHEAD)
    clock = hosts.join("cellar", "emu-q=emulator", PYTHONPATH=ahead)
    assert_refused(clock, 2, "the clock of host cellar is 3600 s ahead of that of host desk", "set-ntp true")
    assert_nothing_runs(hosts, "attic", "cellar")


def make_packages(folder: Path, code: str, version: str | None = None) -> str:
    """A search path for one host: code that each Python runs as it starts, and another version of ours."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    if version:
        metadata = folder / f"mobilenet_harness-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: mobilenet-harness\nVersion: {version}\n")
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


def test_a_program_larger_than_the_object_store_is_refused_with_the_option_that_makes_room(
    hosts: LabHosts, tmp_path: Path
) -> None:
    lowered = hosts.run(
        "desk", "lower", "-w", "0.25", "-r", "32", "-p", "fp32", "--out", tmp_path / "lowered"
    )
    assert lowered.exit_code == 0, lowered.stderr
    program = tmp_path / "large.pte"
    shutil.copyfile(next((tmp_path / "lowered").rglob("*.pte")), program)
    with program.open("r+b") as file:
        file.truncate(90_000_000)  # LabHosts gives each host 100 MB
    options = ("--processes", "1", "--quiet", "--out", tmp_path / "run")
    ended = hosts.run("desk", "run", "--lab", hosts.address, "-d", "emu-a", "--program", program, *options)
    said = " ".join(ended.stderr.split())
    assert ended.exit_code == 1, ended
    assert "the program and its data have 90 MB, more than the 80 MB that the smallest object store" in said
    assert "hint: give the lab's hosts a larger --object-store" in said


def test_a_run_folder_has_one_driver(hosts: LabHosts, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun = ("run", "--lab", hosts.address, "-d", "emu-a", *SMALL, "--processes", "25", "--out", folder)
    first = hosts.begin("desk", *begun)
    deadline = time.monotonic() + 60
    while not (folder / "run.json").exists():
        assert time.monotonic() < deadline
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.05)
    try:
        second = hosts.run("desk", "run", "--lab", hosts.address, "--resume", folder)
        assert_refused(second, 2, f"another harness process is writing to the run folder {folder}")
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
    assert first.returncode == 130
