"""`arm-vm`: a whole ARM machine under system QEMU, with AOSP's adbd, and as Debian with OpenSSH's sshd."""

import contextlib
import shutil
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.devices.arm_vm.building import NAME, build_android, build_kernel_16k, build_machine
from harness.devices.arm_vm.system import System
from harness.errors import DeviceUnfit
from harness.system.child_processes import LocalProcess, supervised

QEMU = "qemu-system-aarch64"
MEMORY_MB = 512
BOOT_TIMEOUT_S = 120.0
# An adb server connects by itself to any program that listens on these.
PORTS_OF_EMULATORS = range(5555, 5586)
# Another process may take a port between our choice and QEMU's use of it.
PORT_ATTEMPTS = 3
DEBIAN = System()
PORT_TAKEN = "Could not set up host forwarding rule"


@dataclass(frozen=True)
class ArmVm:
    """A booted machine; its ports are on 127.0.0.1, and only this user can read its keys.

    As on Android, adb's shell runs as the user `shell`; `ssh_user` may use sudo.
    One like a phone has no sshd.
    """

    adb_port: int
    ssh_port: int
    adb_key: Path
    ssh_key: Path
    known_hosts: Path
    ssh_user: str
    virtual_time: bool
    console_log: Path
    pid: int


# Booting ------------------------------------------------------------------------------------------


def check_qemu() -> None:
    """Refuse when the machine cannot be booted.

    Raises:
        DeviceUnfit: QEMU is not installed.
    """
    if shutil.which(QEMU) is None:
        raise DeviceUnfit(f"{QEMU} is not installed", device=NAME, hint="apt-get install qemu-system-arm")


@contextmanager
def boot(
    *,
    virtual_time: bool = True,
    cpu: str = "cortex-a76",
    memory_mb: int = MEMORY_MB,
    machine: Path | None = None,
    system: System = DEBIAN,
    may_restart: bool = False,
    adbd_asks_for_key: bool = True,
    log: Callable[[str], None] = lambda line: None,
) -> Iterator[ArmVm]:
    """Boot the machine from an untouched disk, a few seconds, and stop it at the end.

    With `virtual_time` the machine has one core (a phone's eight take turns), on which one instruction takes
    one nanosecond however busy the host is, and which waits in real time; otherwise two cores in real time.
    The machine is stopped even when this process is killed. It ends when the guest reboots, unless it
    `may_restart`. `system` says what it boots; with pages of 16 KB this is Debian 13's kernel, else Debian
    12's. Without `adbd_asks_for_key` every user of this host gets a shell of the guest: only for tests of
    clients, as the guest can reach no network. `log` gets the progress of the first build.

    Raises:
        DeviceUnfit: QEMU is missing, or the machine did not come up.
    """
    check_qemu()
    kernel = machine or build_machine(log)
    machine = machine or (build_android(log) if system.is_android else kernel)
    kernel = build_kernel_16k(log) if system.pages_16k else kernel
    cores = system.cores or (1 if virtual_time else 2)
    with tempfile.TemporaryDirectory(prefix="harness-arm-vm-") as folder, contextlib.ExitStack() as stack:
        console = Path(folder) / "console.log"
        adbd_answer = b"AUTH" if adbd_asks_for_key else b"CNXN"
        for attempts_left in reversed(range(PORT_ATTEMPTS)):
            adb_port, ssh_port = _free_ports()
            argv = _qemu_argv(
                machine, kernel, console, adb_port, ssh_port, cpu, memory_mb, cores, virtual_time
            )
            argv += ("-append", _kernel_options(virtual_time, adbd_asks_for_key, system))
            if not may_restart:
                argv.append("-no-reboot")
            process = stack.enter_context(supervised(argv, console.with_name("qemu.log")))
            try:
                waiting = {"adbd": partial(_adbd_answers, adb_port, adbd_answer)}
                if not system.is_android:
                    waiting["sshd"] = partial(_sshd_answers, ssh_port)
                _wait_until_up(process, console, waiting)
                break
            except DeviceUnfit as error:
                if PORT_TAKEN not in error.what or not attempts_left:
                    raise
        yield ArmVm(
            adb_port=adb_port,
            ssh_port=ssh_port,
            adb_key=machine / "adb_key",
            ssh_key=machine / "ssh_key",
            known_hosts=machine / "known_hosts",
            ssh_user="harness",
            virtual_time=virtual_time,
            console_log=console,
            pid=int(console.with_name("pid").read_text()),
        )


def _qemu_argv(
    machine: Path,
    kernel: Path,
    console: Path,
    adb_port: int,
    ssh_port: int,
    cpu: str,
    memory_mb: int,
    cores: int,
    virtual_time: bool,
) -> list[str]:
    """QEMU's command line; `restrict` keeps the guest off every network but the two forwarded ports."""
    forwards = f"hostfwd=tcp:127.0.0.1:{ssh_port}-:22,hostfwd=tcp:127.0.0.1:{adb_port}-:5555"
    # Not shift=auto: it follows the host's clock and offers no instruction counter. Not sleep=off: it runs
    # through idle time, which keeps a host core busy and makes every time-out of the guest pass at once.
    clock = ("-icount", "shift=0,sleep=on") if virtual_time else ()
    disk = str(machine / "root.ext4").replace(",", ",,")
    return [
        *(QEMU, "-M", "virt", "-cpu", cpu, "-m", str(memory_mb), "-smp", str(cores), *clock),
        *("-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none"),
        *("-serial", f"file:{console}", "-pidfile", str(console.with_name("pid"))),
        *("-kernel", str(kernel / "kernel"), "-initrd", str(kernel / "initrd")),
        *("-snapshot", "-drive", f"if=none,id=disk,format=raw,file={disk}"),
        *("-device", "virtio-blk-device,drive=disk", "-device", "virtio-net-device,netdev=net"),
        *("-netdev", f"user,id=net,restrict=on,{forwards}"),
    ]


def _kernel_options(virtual_time: bool, adbd_asks_for_key: bool, system: System) -> str:
    options = ["console=ttyAMA0", "rdinit=/init", "quiet", "panic=-1"]
    if virtual_time:
        # Random addresses would change cache lines and page counts from boot to boot.
        options.append("norandmaps")
    if not adbd_asks_for_key:
        options.append("harness.adbd=without-key")
    return " ".join((*options, *system.kernel_options()))


def _free_ports() -> tuple[int, int]:
    """Two free TCP ports of the loopback interface, none that an adb server scans."""
    with contextlib.ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < 2:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            if port not in PORTS_OF_EMULATORS:
                ports.append(port)
        return ports[0], ports[1]


# Coming up ----------------------------------------------------------------------------------------


def _wait_until_up(
    process: LocalProcess, console: Path, waiting: Mapping[str, Callable[[float], bool]]
) -> None:
    deadline = time.monotonic() + BOOT_TIMEOUT_S
    patience = 1.0
    while waiting:
        waiting = {name: answers for name, answers in waiting.items() if not answers(patience)}
        if process.poll() is not None:
            raise _boot_failure(f"{QEMU} ended", console)
        if time.monotonic() > deadline:
            raise _boot_failure(f"{' and '.join(waiting)} did not answer in {BOOT_TIMEOUT_S:g} s", console)
        if waiting:
            time.sleep(0.1)
            patience = min(1.2 * patience, 10.0)


def _sshd_answers(port: int, patience_s: float) -> bool:
    """Whether sshd sends its greeting (RFC 4253, section 4.2)."""
    return _first_bytes(port, b"", patience_s) == b"SSH-"


def _adbd_answers(port: int, answer: bytes, patience_s: float) -> bool:
    """Whether adbd answers a greeting (AOSP's adb/protocol.txt): `AUTH` asks for a key, `CNXN` for none."""
    command, payload = b"CNXN", b"host::\0"
    (number,) = struct.unpack("<I", command)
    header = (0x01000000, 4096, len(payload), sum(payload), number ^ 0xFFFFFFFF)
    return _first_bytes(port, command + struct.pack("<5I", *header) + payload, patience_s) == answer


def _first_bytes(port: int, greeting: bytes, patience_s: float) -> bytes:
    """The first four bytes a server sends; QEMU itself accepts the connection long before."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection:
            connection.sendall(greeting)
            return connection.recv(4)
    except OSError:
        return b""


def _boot_failure(what: str, console: Path) -> DeviceUnfit:
    lines = [f"the ARM machine did not come up: {what}"]
    for path in (console.with_name("qemu.log"), console):
        text = path.read_text(errors="replace") if path.exists() else ""
        lines += [f"  {path.stem}: {line}" for line in text.splitlines()[-15:]]
    return DeviceUnfit("\n".join(lines), device=NAME)
