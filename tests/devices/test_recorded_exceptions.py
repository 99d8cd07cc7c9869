"""Devices that report what is not so, or nothing: recorded trees, and the right reading of each."""

from pathlib import Path

import pytest
from recorded_devices import GETPROP, SHELLS, FixedAnswer, lay_tree, probe, write_tree

from harness.devices.conditions import parse_conditions
from harness.devices.cores import read_cores
from harness.devices.device import describe
from harness.errors import DeviceUnfit

every_shell = pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
# busybox prefers its own df, uname and getconf to those of a recorded tree.
every_shell_with_recorded_programs = pytest.mark.parametrize(
    "shell", [shell for shell in SHELLS if shell[0] != "busybox"], ids=" ".join
)


@every_shell
def test_an_exynos_9810_does_not_compute_in_halves_whatever_its_kernel_lists(
    tmp_path: Path, shell: list[str]
) -> None:
    root = lay_tree("galaxy_s9", tmp_path)
    assert probe(root, "facts", shell).values["half_precision"] == "no"
    cpuinfo = (root / "proc/cpuinfo").read_text()
    # The chip's name in either place is enough; other Exynos keep what they list.
    (root / "proc/cpuinfo").write_text(cpuinfo.replace("Hardware", "Nothing"))
    assert probe(root, "facts", shell).values["half_precision"] == "no"
    properties = (root / "bin/getprop").read_text().replace("9810", "9820")
    (root / "bin/getprop").write_text(properties)
    assert probe(root, "facts", shell).values["half_precision"] == "yes"
    (root / "proc/cpuinfo").write_text(cpuinfo)
    assert probe(root, "facts", shell).values["half_precision"] == "no"


def test_half_precision_of_vectors_alone_is_none_as_cpuinfo_has_it(tmp_path: Path) -> None:
    write_tree(tmp_path, {"proc/cpuinfo": "Features\t: fp asimd asimdhp\n"})
    assert probe(tmp_path, "facts", ["sh"]).values["half_precision"] == "no"


@every_shell
@pytest.mark.parametrize(
    ("last", "answer"), [(("0x51", "0x802"), "yes"), (("0x41", "0xd0a"), "yes"), (("0x41", "0xd09"), "no")]
)
def test_half_precision_of_cores_whose_old_kernel_does_not_list_it(
    tmp_path: Path, shell: list[str], last: tuple[str, str], answer: str
) -> None:
    core = "processor\t: {}\nFeatures\t: fp asimd crc32\nCPU implementer\t: {}\nCPU part\t: {}\n\n"
    cpuinfo = core.format(0, "0x41", "0xd03") + core.format(1, *last)
    write_tree(tmp_path, {"proc/cpuinfo": cpuinfo})
    assert probe(tmp_path, "facts", shell).values["half_precision"] == answer


def test_cores_are_known_where_the_list_of_the_online_ones_is_denied(tmp_path: Path) -> None:
    root = lay_tree("galaxy_s9", tmp_path)
    (root / "sys/devices/system/cpu/online").unlink()
    assert [core.index for core in read_cores(probe(root, "facts", ["sh"]))] == list(range(8))


@every_shell
def test_names_come_from_cpuinfo_where_sysfs_has_no_midr(tmp_path: Path, shell: list[str]) -> None:
    cores = read_cores(probe(lay_tree("galaxy_s9", tmp_path), "facts", shell))
    assert [core.name for core in cores] == ["Cortex-A55"] * 4 + ["Exynos M3"] * 4


@every_shell
def test_an_absent_battery_has_no_figures(tmp_path: Path, shell: list[str]) -> None:
    conditions = parse_conditions(probe(lay_tree("galaxy_s9", tmp_path), "conditions", shell))
    assert (conditions.battery_percent, conditions.battery_celsius) == (None, None)
    assert conditions.wakefulness == "Awake"
    assert not [name for name in conditions.unreadable if name.startswith("battery")]


def test_on_android_without_dumpsys_all_that_it_reports_is_unreadable(tmp_path: Path) -> None:
    write_tree(tmp_path, {"bin/getprop": GETPROP})
    unreadable = parse_conditions(probe(tmp_path, "conditions", ["sh"])).unreadable
    assert {"thermal_status", "battery_percent", "battery_decicelsius", "wakefulness"} <= set(unreadable)


@every_shell_with_recorded_programs
def test_a_getprop_that_reports_nothing_is_an_ordinary_linux(tmp_path: Path, shell: list[str]) -> None:
    root = lay_tree("silent_getprop", tmp_path)
    facts = probe(root, "facts", shell)
    assert facts.values["model"].startswith("PINE64 PinePhone")
    assert facts.values["os"] == "Droidian trixie"
    assert "android_release" not in facts.values
    text = "".join(f"{key}={value}\n" for key, value in facts.values.items())
    with pytest.raises(DeviceUnfit, match="no runner for this device"):
        describe(FixedAnswer(text), name="phone", kind="linux_board", folder="/x")
    write_tree(root, {"bin/getconf": "#!/bin/sh\necho 64\n"})
    facts = probe(root, "facts", shell)
    text = "".join(f"{key}={value}\n" for key, value in facts.values.items())
    info, _ = describe(FixedAnswer(text), name="phone", kind="linux_board", folder="/x")
    assert (info.abi, info.os) == ("arm64-v8a", "Droidian trixie")


@every_shell_with_recorded_programs
def test_linux_on_androids_drivers_is_linux_although_its_getprop_answers(
    pixel: Path, shell: list[str]
) -> None:
    # KittyKatt/screenFetch#438: Sailfish OS and Ubuntu Touch have Android's properties.
    write_tree(pixel, {"etc/os-release": 'PRETTY_NAME="Sailfish OS 4.6"\n'})
    write_tree(pixel, {"bin/getconf": "#!/bin/sh\necho 64\n"})
    facts = probe(pixel, "facts", shell)
    assert (facts.values["os"], facts.values["userland_bits"]) == ("Sailfish OS 4.6", "64")
    assert "android_release" not in facts.values


@every_shell
@pytest.mark.parametrize(
    ("maker", "product", "model"),
    [
        ("unknown", "X96mini", "X96mini"),
        ("rockchip", "", "rockchip"),
        ("OEM", "N/A", None),
        ("Google", "Pixel 6", "Google Pixel 6"),
    ],
)
def test_a_placeholder_is_no_part_of_a_phones_name(
    tmp_path: Path, shell: list[str], maker: str, product: str, model: str | None
) -> None:
    answers = {"ro.build.version.release": "14", "ro.soc.model": "UNKNOWN", "ro.board.platform": "kona"}
    answers |= {"ro.product.manufacturer": maker, "ro.product.model": product}
    cases = "".join(f"{name}) echo '{value}' ;;\n" for name, value in answers.items())
    write_tree(tmp_path, {"bin/getprop": f"#!/bin/sh\ncase $1 in\n{cases}esac\n"})
    facts = probe(tmp_path, "facts", shell)
    assert (facts.values.get("model"), facts.values["soc"]) == (model, "kona")


@pytest.mark.parametrize("name", ["Not Defined", "Default String", "INVALID", "O.E.M.", "x.x", "N/A"])
def test_what_firmware_has_in_the_place_of_a_name_is_none(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path, {"sys/class/dmi/id/product_name": f"{name}\n", "proc/cpuinfo": "Hardware\t: X1\n"})
    assert probe(tmp_path, "facts", ["sh"]).values["model"] == "X1"


@pytest.mark.parametrize("partition", ["system", "product"])
def test_the_release_of_android_may_be_that_of_a_partition(tmp_path: Path, partition: str) -> None:
    # flutter/flutter#187020: HyperOS of a Redmi Note 14 leaves ro.build.version.release empty.
    cases = f"ro.{partition}.build.version.release) echo 15 ;;\nro.product.cpu.abilist) echo arm64-v8a ;;\n"
    write_tree(tmp_path, {"bin/getprop": f"#!/bin/sh\ncase $1 in\n{cases}esac\n"})
    assert probe(tmp_path, "facts", ["sh"]).values["android_release"] == "15"


def test_without_a_list_of_abis_the_only_one_counts(tmp_path: Path) -> None:
    cases = "ro.build.version.release) echo 9 ;;\nro.product.cpu.abi) echo armeabi-v7a ;;\n"
    write_tree(tmp_path, {"bin/getprop": f"#!/bin/sh\ncase $1 in\n{cases}esac\n"})
    assert probe(tmp_path, "facts", ["sh"]).values["android_abis"] == "armeabi-v7a"


@every_shell
def test_without_getconf_the_word_size_is_that_of_a_program(tmp_path: Path, shell: list[str]) -> None:
    write_tree(tmp_path, {"bin/getconf": "#!/bin/sh\nexit 127\n"})
    assert probe(tmp_path, "facts", shell).values["userland_bits"] == "64"


@every_shell_with_recorded_programs
@pytest.mark.parametrize(
    "line",
    [
        "/dev/sda1 61000000 39000000 18400000 68% /media/pi/My Passport",
        "/dev/sda1 61000000 39000000 18400000 68% /media/pi/1 2 3 36% *",
        "//nas/My Share 61000000 39000000 18400000 68% /mnt",
        "                 61000000 39000000 18400000 68% /mnt",
        "tmpfs 61000000 39000000 18400000 68% /",
    ],
)
def test_free_space_is_read_whatever_blanks_the_names_hold(
    tmp_path: Path, shell: list[str], line: str
) -> None:
    header = "Filesystem 1K-blocks Used Available Use% Mounted on"
    write_tree(tmp_path, {"bin/df": f"#!/bin/sh\ncat <<'END'\n{header}\n{line}\nEND\n"})
    assert probe(tmp_path, "facts", shell).number("free_kib") == 18400000


@every_shell_with_recorded_programs
def test_a_file_system_that_is_fuller_than_allowed_has_no_free_space(
    tmp_path: Path, shell: list[str]
) -> None:
    line = "/dev/root 1000 1050 -50 105% /"
    write_tree(tmp_path, {"bin/df": f"#!/bin/sh\necho Filesystem\necho '{line}'\n"})
    assert probe(tmp_path, "facts", shell).number("free_kib") == 0


@every_shell
def test_vcgencmd_is_found_where_older_systems_have_it(tmp_path: Path, shell: list[str]) -> None:
    write_tree(tmp_path, {"opt/vc/bin/vcgencmd": "#!/bin/sh\necho throttled=0x50000\n"})
    (tmp_path / "opt/vc/bin/vcgencmd").chmod(0o755)
    assert parse_conditions(probe(tmp_path, "conditions", shell)).throttled_flags == 0x50000


@every_shell
def test_flags_that_are_always_0_in_sysfs_do_not_hide_the_kernels_alarm(
    tmp_path: Path, shell: list[str]
) -> None:
    root = lay_tree("pi_without_vcgencmd", tmp_path)
    (root / "sys/devices/platform/soc/soc:firmware/get_throttled").write_text("0\n")
    assert parse_conditions(probe(root, "conditions", shell)).throttled_flags == 1
    (root / "sys/class/hwmon/hwmon0/in0_lcrit_alarm").write_text("0\n")
    assert parse_conditions(probe(root, "conditions", shell)).throttled_flags == 0


@every_shell
def test_a_pi_without_vcgencmd_is_throttled_by_its_flags_in_sysfs_or_its_alarm(
    tmp_path: Path, shell: list[str]
) -> None:
    root = lay_tree("pi_without_vcgencmd", tmp_path)
    flags = root / "sys/devices/platform/soc/soc:firmware/get_throttled"
    assert parse_conditions(probe(root, "conditions", shell)).throttled_flags == 0x50005
    flags.unlink()
    assert parse_conditions(probe(root, "conditions", shell)).throttled_flags == 1
    alarm = root / "sys/class/hwmon/hwmon0/in0_lcrit_alarm"
    alarm.write_text("0\n")
    unknown = parse_conditions(probe(root, "conditions", shell))
    assert unknown.throttled_flags is None
    assert "under-voltage only" in unknown.unreadable["throttled_flags"]
    (root / "sys/class/hwmon/hwmon0/name").unlink()
    unknown = parse_conditions(probe(root, "conditions", shell))
    assert "no vcgencmd" in unknown.unreadable["throttled_flags"]
