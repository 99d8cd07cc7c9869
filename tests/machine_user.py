"""The user of an ARM machine for tests: somebody whose `adb` and `ssh` know it."""

import os
import shlex
import shutil
from pathlib import Path

from harness.devices.arm_vm.machine import ArmVm


def user_environment(machine: ArmVm, programs: Path) -> dict[str, str]:
    """An environment in which adb and ssh know the machine; `programs` gets an `ssh` with a configuration."""
    options = {
        "IdentityFile": machine.ssh_key,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": machine.known_hosts,
        "StrictHostKeyChecking": "yes",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    wrapper = programs / "ssh"
    wrapper.write_text(
        f'#!/bin/sh\nexec {shlex.join([shutil.which("ssh") or "ssh", "-F", "none", *words])} "$@"\n'
    )
    wrapper.chmod(0o755)
    return {"ADB_VENDOR_KEYS": str(machine.adb_key), "PATH": f"{programs}:{os.environ['PATH']}"}
