"""The runner on a board's own glibc, over the real sshd: chosen in devices.toml, checked, recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from device_bench import Bench

from harness.devices import linux_board
from harness.devices.device import Device
from harness.devices.devices_toml import read_inventory
from harness.errors import DeviceUnfit, UsageError
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_bundle
from harness.system.processes import Completed
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport
from harness.transports.ssh import SshTransport


def silently(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def board(bench: Bench, bundle_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """`arm-vm` as a board of `devices.toml` that is to use its own C library."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "devices.toml").write_text(
        f"[devices.board]\nkind = 'raspberry_pi'\naddress = '{bench.machine.ssh_user}@127.0.0.1'\n"
        f"port = {bench.machine.ssh_port}\nfolder = '{bundle_folder}'\nlibc = 'system'\n"
    )
    (target,) = read_inventory(folder / "devices.toml")
    with pytest.MonkeyPatch.context() as patch:
        # The user's ~/.ssh does not know the machine.
        patch.setattr(
            linux_board,
            "SshTransport",
            lambda address, *, port: SshTransport(address, port=port, options=bench.ssh_options()),
        )
        with linux_board.open_linux_board(target, silently) as device:
            yield device


@pytest.mark.slow
@pytest.mark.device
def test_the_runner_uses_the_boards_own_glibc_and_that_is_recorded(board: Device) -> None:
    assert board.info.libc == "system glibc 2.36"
    needed = ensure_bundle("arm64-v8a").needed_glibc()
    if needed > (2, 36):
        pytest.skip(f"built here, the runner needs glibc {needed[0]}.{needed[1]}")
    deployed = deploy_bundle(board, ensure_bundle("arm64-v8a"), silently)
    loader, *options, runner = deployed.runner_argv(())
    listed = board.transport.run([loader, "--list", *options, runner], timeout_s=60).check().text
    found = dict(line.strip().split(" => ") for line in listed.splitlines() if " => " in line)
    assert found["libc.so.6"].startswith("/lib/aarch64-linux-gnu/libc.so.6 ")
    assert found["libm.so.6"].startswith("/lib/aarch64-linux-gnu/libm.so.6 ")
    assert found["libexecutorch.so"].startswith(deployed.folder)
    assert found["libstdc++.so.6"].startswith(deployed.folder)
    answer = board.transport.run([*deployed.runner_argv(()), "--nothing"], timeout_s=60)
    assert (answer.exit_code, answer.stderr) == (2, b"runner: unknown option '--nothing'\n")


@pytest.mark.slow
@pytest.mark.device
def test_a_glibc_older_than_the_runner_needs_is_refused(board: Device) -> None:
    bullseye = replace(board, system_glibc=(2, 31))
    with pytest.raises(DeviceUnfit, match=r"is older than 2\.\d+, which the runner needs") as caught:
        deploy_bundle(bullseye, ensure_bundle("arm64-v8a"), silently)
    assert "devices.toml" in caught.value.hint


def test_a_board_without_glibc_is_told() -> None:
    class Alpine(LocalTransport):
        def run(
            self,
            argv: Sequence[str],
            *,
            timeout_s: float,
            stdin: bytes = b"",
            longest_bytes: int = LONGEST_ANSWER,
        ) -> Completed:
            return Completed(tuple(argv), 127, b"", b"getconf: not found")

    with pytest.raises(DeviceUnfit, match="the device's C library is not glibc"):
        linux_board.system_glibc(Alpine(), "board")


def test_a_phone_has_no_glibc_to_choose(tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text("[devices.a]\nkind = 'android'\naddress = 'x'\nlibc = 'system'\n")
    with pytest.raises(UsageError, match="of kind 'android' has no system glibc"):
        read_inventory(tmp_path / "devices.toml")
