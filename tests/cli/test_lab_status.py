"""What `harness lab status` prints of hosts that answered, and of those that did not."""

import json

import pytest

from harness.devices.target import Target

pytest.importorskip("ray")

from harness.cli.lab_status import show_status
from harness.lab.addresses import Address
from harness.lab.connection import Lab
from harness.lab.devices import resolve_in_lab
from harness.lab.facts import HostFacts

VERSIONS = {"Python": "3.11", "harness's revision": "0123456789abcdef", "ray": "2.60.0"}


def host(name: str, device: str, **versions: str) -> HostFacts:
    target = Target(name=device, kind="emulator", transport="local")
    return HostFacts(name, name, VERSIONS | versions, (target,), 2, 10**9, 10**9)


LAB = Lab(Address("10.7.0.1", 6379), (host("desk", "emu-a"), host("shelf", "emu-b")), ("attic",))


def test_versions_stand_below_the_table_once_for_the_hosts_that_share_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show_status(LAB, json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "versions: Python 3.11, harness's revision 0123456789, ray 2.60.0" in lines
    show_status(Lab(LAB.address, (*LAB.hosts, host("door", "emu-c", ray="2.9"))), json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "versions of desk, shelf: Python 3.11, harness's revision 0123456789, ray 2.60.0" in lines
    assert "versions of door: Python 3.11, harness's revision 0123456789, ray 2.9" in lines
    assert any(line.startswith("warning: host desk has ray 2.60.0, host door has 2.9") for line in lines)


def test_a_host_that_does_not_answer_is_named_by_the_status_and_the_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sentence = "host attic of the lab did not answer within 10 s: its devices are left out"
    show_status(LAB, json=False)
    assert f"warning: {sentence}" in capsys.readouterr().out.splitlines()
    show_status(LAB, json=True)
    assert json.loads(capsys.readouterr().out)["silent"] == ["attic"]
    logged: list[str] = []
    assert [one.name for one in resolve_in_lab(LAB, ("all",), logged.append)] == ["emu-a", "emu-b"]
    assert logged == [f"warning: {sentence}"]
