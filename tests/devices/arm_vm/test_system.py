"""The words of a name such as `arm-vm:pixel_6:adb`."""

import pytest
from phones import read_phone

from harness.devices.arm_vm.device import parse_name
from harness.devices.arm_vm.system import CORES_OF_PHONES, OPTIONS, PHONES, System, parse_options
from harness.devices.emulator.debian import SCRIPTS
from harness.devices.kinds import KINDS


@pytest.mark.parametrize(
    ("words", "transport", "system"),
    [
        ("ssh", "ssh", System()),
        ("16k", "adb-direct", System(pages_16k=True)),
        ("16k:adb", "adb", System(pages_16k=True)),
        ("android", "adb-direct", System(android=14)),
        ("adb:android9", "adb", System(android=9)),
        ("pixel_6:16k", "adb-direct", System(pages_16k=True, phone="pixel_6")),
    ],
)
def test_each_word_says_how_to_reach_the_machine_or_what_it_boots(
    words: str, transport: str, system: System
) -> None:
    assert parse_options(words) == (transport, system)


@pytest.mark.parametrize(
    "words",
    ["usb", "", "android:", "adb:ssh", "android:ssh", "android:android9", "android:pixel_6", "16k:16k"],
)
def test_unknown_words_and_contradictions_are_no_device(words: str) -> None:
    assert parse_name(f"arm-vm:{words}") is None


def test_a_machine_like_a_phone_is_of_a_kind_that_asks_androids_programs() -> None:
    target = parse_name("arm-vm:android:adb")
    assert target is not None
    assert (target.kind, target.transport) == ("arm_vm_android", "adb")
    assert KINDS[target.kind].has_dumpsys
    assert KINDS[target.kind].counters_fix == KINDS["android"].counters_fix


def test_every_word_alone_is_a_device_and_is_offered_unless_it_is_for_tests() -> None:
    for option in OPTIONS:
        assert parse_name(f"arm-vm:{option}") is not None
        offered = f"arm-vm:{option}" in KINDS["arm_vm"].name_forms
        assert offered == (option not in (*PHONES, "android9"))


def test_the_recorded_phones_have_as_many_cores_as_the_machine_gets_for_them() -> None:
    assert len(PHONES) >= 4
    for phone in PHONES:
        files = dict(read_phone(SCRIPTS / "phones" / f"{phone}.tsv"))
        for name in ("online", "possible", "present"):
            assert files[f"sys/devices/system/cpu/{name}"] == f"0-{CORES_OF_PHONES - 1}\n"
        assert {"bin/getprop", "bin/dumpsys"} <= set(files)
