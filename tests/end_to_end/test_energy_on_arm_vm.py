"""energy.sh on Debian's dash and coreutils of an ARM machine, over its real adbd."""

import pytest
from energy_on_a_machine import check_energy_script

from chosen_system import WITH_ROOT
from harness.devices.arm_vm.machine import boot
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.tcp_link import TcpLink

pytestmark = [pytest.mark.slow, pytest.mark.device]


def test_energy_is_read_by_its_own_shell_and_tools() -> None:
    with boot(virtual_time=False, system=WITH_ROOT) as machine:
        transport = AdbDirectTransport(TcpLink("127.0.0.1", machine.adb_port), key=machine.adb_key)
        try:
            check_energy_script(transport, "/tmp/energy test")
        finally:
            transport.close()
