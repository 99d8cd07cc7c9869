"""Which devices a run in a lab has, also one that is continued while some of them are gone."""

import pytest

from builders import make_device
from harness.devices.target import Target
from harness.errors import ConnectionLost, UsageError

pytest.importorskip("ray")

from harness.lab.addresses import Address
from harness.lab.connection import Lab
from harness.lab.devices import resolve_in_lab
from harness.lab.facts import HostFacts
from harness.lab.measuring import group_in_lab


def host(name: str, *devices: str) -> HostFacts:
    offered = tuple(Target(name=one, kind="emulator", transport="local", tags=("lab",)) for one in devices)
    return HostFacts(name, name, {}, offered, 0, 10**9, 10**9)


LAB = Lab(Address("10.7.0.1", 6379), (host("desk", "pixel6"), host("shelf", "pixel7")))
GONE = make_device(name="pixel8", kind="android", transport="adb")
HERE = make_device(name="pixel6", kind="emulator", transport="local")


@pytest.mark.parametrize("names", [("pixel6", "pixel8"), ("pixel6", "el8"), ("tag:lab", "pixel8")])
def test_a_run_goes_on_without_a_device_that_no_host_offers_and_says_so(names: tuple[str, ...]) -> None:
    logged: list[str] = []
    found = resolve_in_lab(LAB, names, logged.append, earlier=(HERE, GONE))
    assert {"pixel6", "pixel8"} <= {one.name for one in found}
    assert {one.name: one.kind for one in found}["pixel8"] == "android"
    assert logged == ["warning: no host of the lab offers pixel8 now: the run goes on without it"]
    with pytest.raises(UsageError, match="no host of the lab offers a device"):
        resolve_in_lab(LAB, names, logged.append)


@pytest.mark.parametrize("name", ["all", "tag:lab", "tag:gone"])
def test_of_a_group_a_device_that_is_gone_is_known_by_its_cells(name: str) -> None:
    found = resolve_in_lab(LAB, (name,), lambda _: None, earlier=(GONE,))
    assert found[-1].name == "pixel8"


def test_a_device_that_was_lost_before_its_first_cell_is_still_asked_for() -> None:
    found = resolve_in_lab(LAB, ("pixel6", "pi4"), lambda _: None, earlier=(HERE,))
    assert [one.name for one in found] == ["pixel6", "pi4"]


def test_a_part_of_a_name_means_the_device_that_the_run_began_with() -> None:
    found = resolve_in_lab(LAB, ("pixel",), lambda _: None, earlier=(HERE,))
    assert [one.name for one in found] == ["pixel6"]


def test_the_host_of_a_device_that_is_gone_is_no_host() -> None:
    assert LAB.host_of("pixel7").name == "shelf"
    with pytest.raises(ConnectionLost, match="no host of the lab offers the device now") as lost:
        LAB.host_of("pixel8")
    assert lost.value.device == "pixel8"


def test_what_runs_on_hosts_themselves_works_at_once_where_these_are_two() -> None:
    targets = [Target(name=name, kind="emulator", transport="local") for name in ("a", "b", "c")]
    lab = Lab(LAB.address, (host("desk", "a", "b"), host("shelf", "c")))
    assert [[one.name for one in group] for group in group_in_lab(lab, targets)] == [["a", "b"], ["c"]]
