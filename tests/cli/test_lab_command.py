"""`harness lab` and `--lab`: what is refused before Ray begins anything."""

import importlib.util
import os
import socket
from pathlib import Path

import pytest

from builders import make_run
from harness.records.run_folder import write_cell, write_run
from harness_command import Ended, HarnessCommand
from synthetic import EMULATOR, simulate_cells

PIP = "pip install 'mobilenet-harness[lab]'"
RUN = ("run", "--lab", "127.0.0.1", "--device", "emu", "--width", "0.25")

needs_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="could not import 'ray'")


@pytest.fixture
def own_places(tmp_path: Path) -> dict[str, str]:
    """A cache and a token that no other test uses; neither is there."""
    return {"HARNESS_CACHE": str(tmp_path / "cache"), "HARNESS_LAB_TOKEN": str(tmp_path / "token")}


def assert_refused(ended: Ended, *words: str) -> None:
    assert (ended.exit_code, ended.stdout) == (2, ""), ended
    assert "Traceback" not in ended.stderr
    said = " ".join(ended.stderr.split())
    assert "hint: " in said
    for each in words:
        assert each in said


@needs_ray
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("start", "--name", "../desk"), ("--name '../desk' is not a name of a host", "--name desk-2")),
        (("join", "127.0.0.1", "--name", "a b"), ("--name 'a b' is not a name of a host",)),
        (
            ("start", "--device", "a=emulator,a=emulator:cortex-a53"),
            ("two devices would have the name a", "--device a-2=a"),
        ),
        (("start", "--device", "=emulator"), ("'' in --device =emulator is not a name", "pi-left=")),
        (("start", "--object-store", "10MB"), ("--object-store: 10MB is too small", "at least 80MB")),
        (
            ("start", "--object-store", "999999GB"),
            ("--object-store: 999999GB is more than this host's memory", "default 1GB"),
        ),
        (("start", "--object-store", "much"), ("--object-store: ", "40MB")),
        (("start", "--address", "0.0.0.0"), ("no other host reaches", "ip -brief address")),
        (("start", "--address", "127.0.1.1"), ("no other host reaches", "ip -brief address")),
        (("start", "--address", "192.0.2.1"), ("is not an address of this host", "ip -brief address")),
        (("start", "--address", "127.0.0.1:0"), ("is not an address of a lab's head", "HOST:PORT")),
        (("join", "127.0.0.1", "--own-address", "192.0.2.1"), ("--own-address 192.0.2.1 is not an address",)),
        (("join", "http://127.0.0.1"), ("is not an address of a lab's head",)),
        (("leave",), ("this host is in no lab", "harness lab status")),
        (("leave", "--name", "desk"), ("this host is in no lab as desk",)),
        (("status",), ("this host is in no lab", "name the address")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_bad_input_is_refused_and_no_token_is_made(
    run_harness: HarnessCommand,
    own_places: dict[str, str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    assert_refused(run_harness("lab", *arguments, env=own_places), *words)
    assert not (tmp_path / "token").exists()


@needs_ray
def test_no_lab_starts_where_something_listens(
    run_harness: HarnessCommand, own_places: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        start = ("lab", "start", "--address", address, "--device", "emulator")
        assert_refused(run_harness(*start, env=own_places), f"something listens at {address} already")
    assert not (tmp_path / "token").exists()


@needs_ray
def test_a_head_whose_name_nobody_knows_is_called_that(
    run_harness: HarnessCommand, own_places: dict[str, str]
) -> None:
    ended = run_harness("lab", "join", "no-such-host.invalid", "--device", "a=emulator", env=own_places)
    assert ended.exit_code == 4
    assert "nothing is known by the name no-such-host.invalid: " in " ".join(ended.stderr.split())
    assert "hint: check how it is spelled" in ended.stderr


def test_what_only_one_host_can_do_is_refused_beside_lab(run_harness: HarnessCommand, tmp_path: Path) -> None:
    cells = simulate_cells(EMULATOR, widths=(0.25,), resolutions_px=(128,))
    write_run(tmp_path / "base", make_run(cells))
    for cell in cells:
        write_cell(tmp_path / "base", cell)
    assert_refused(run_harness(*RUN, "--against", "base"), "--against and --lab conflict")
    meter = tmp_path / "meter"
    meter.write_text("#!/bin/sh\n")
    meter.chmod(0o755)
    options = ("--energy", "--power-command", str(meter))
    assert_refused(run_harness(*RUN, *options), "--power-command and --lab conflict")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["base", "meter"]


@pytest.mark.parametrize(
    "arguments",
    [("lab", "start"), ("lab", "join", "127.0.0.1"), ("lab", "status"), ("lab", "leave"), RUN],
    ids=" ".join,
)
def test_without_ray_the_extra_that_brings_it_is_named(
    run_harness: HarnessCommand, own_places: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "find_spec = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'ray' else find_spec(name, *more)\n"
    )
    path = os.pathsep.join(filter(None, (str(hidden), os.environ.get("PYTHONPATH"))))
    ended = run_harness(*arguments, env={**own_places, "PYTHONPATH": path})
    assert_refused(ended, "a lab of many hosts needs what is not installed: ray", f"hint: {PIP}")
    assert not (tmp_path / "token").exists()
