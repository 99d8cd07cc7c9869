"""What the ARM machine boots, by the words of a name such as `arm-vm:pixel_6:adb`."""

from dataclasses import dataclass

from harness.devices.emulator.debian import SCRIPTS

TRANSPORTS = ("adb-direct", "adb", "ssh")
PAGES_16K = "16k"
# The releases of Android whose tools /system/bin has, by the word that asks for them.
ANDROID = {"android": 14, "android9": 9}
PHONES = tuple(sorted(path.stem for path in (SCRIPTS / "phones").glob("*.tsv")))
# Of each table in device_scripts/arm_vm/phones; a test compares.
CORES_OF_PHONES = 8
OPTIONS = (*TRANSPORTS, PAGES_16K, *ANDROID, *PHONES)


@dataclass(frozen=True)
class System:
    """Debian, or a system like a phone's: with the tools of a release of Android, or as a recorded phone.

    `root_shell`: adb's shell is root, as after `adb root` on a userdebug build; no name asks for it.
    """

    pages_16k: bool = False
    android: int | None = None
    phone: str | None = None
    root_shell: bool = False

    @property
    def is_android(self) -> bool:
        """Whether the disk is the one that is like a phone's."""
        return self.android is not None or self.phone is not None

    @property
    def cores(self) -> int | None:
        """How many cores the machine must have, as its files say; None when any number fits."""
        return CORES_OF_PHONES if self.phone else None

    def kernel_options(self) -> tuple[str, ...]:
        """What device_scripts/arm_vm/android reads from the kernel's command line."""
        shell = ("harness.shell=root",) if self.root_shell else ()
        if self.phone:
            return (f"harness.phone={self.phone}", *shell)
        return (f"harness.android={self.android}", *shell) if self.android else ()


def parse_options(text: str) -> tuple[str, System] | None:
    """Transport and system of the words after `arm-vm:`; None where they are unknown or conflict."""
    words = text.split(":") if text else []
    transports = [word for word in words if word in TRANSPORTS]
    phones = [word for word in words if word in PHONES]
    releases = [ANDROID[word] for word in words if word in ANDROID]
    if len(words) != len(set(words)) or not set(words) <= set(OPTIONS) or len(transports) > 1:
        return None
    if len(phones) + len(releases) > 1 or (transports == ["ssh"] and phones + releases):
        return None
    transport = transports[0] if transports else TRANSPORTS[0]
    return transport, System(
        pages_16k=PAGES_16K in words,
        android=releases[0] if releases else None,
        phone=phones[0] if phones else None,
    )
