"""What is known of the devices before a run begins: their cores, and what would distort times now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from harness.devices.acquire import acquire
from harness.devices.device_lock import find_holder
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceBusy, DeviceError, DeviceUnfit, TransportError
from harness.measuring.doctor.device import examine_at_once, examine_energy
from harness.measuring.doctor.diagnosis import Diagnosis
from harness.records import DeviceInfo
from harness.system.threads import work_at_once


@dataclass(frozen=True)
class Survey:
    """Devices by name, what is wrong with them, why others cannot be opened, and what figures they lack.

    `cautions` are of figures that are asked for and that a device cannot have.
    """

    infos: Mapping[str, DeviceInfo]
    problems: tuple[Diagnosis, ...]
    unreachable: Mapping[str, DeviceError] = field(default_factory=dict)
    cautions: tuple[Diagnosis, ...] = ()


def survey(targets: Sequence[Target], log: Callable[[str], None], *, energy: bool = False) -> Survey:
    """Look at the devices whose clock is real, all at once; others start slowly, and have no real times.

    One that is in use is left out: measuring waits for it. With `energy`, they are also asked for a sensor.
    """
    infos: dict[str, DeviceInfo] = {}
    problems: dict[str, tuple[Diagnosis, ...]] = {}
    unreachable: dict[str, DeviceError] = {}
    cautions: dict[str, Diagnosis] = {}

    def look_at(target: Target) -> None:
        try:
            # One that another harness measures on is not disturbed.
            with acquire(target, log, lock_device=False, wait_s=0) as device:
                if find_holder(device):
                    return
                infos[target.name] = device.info
                problems[target.name] = examine_at_once(device)
                if energy and (missing := examine_energy(device)):
                    cautions[target.name] = missing
        except DeviceBusy:
            return
        except (TransportError, DeviceUnfit) as error:
            if target.name not in infos:
                error.add_subject(device=target.name)
                unreachable[target.name] = error
        except Exception:  # measuring meets it again, and reports it with its device
            return

    timed = [target for target in targets if KINDS[target.kind].clock == "real"]
    work_at_once([(partial(look_at, target), lambda: None) for target in timed])
    found = tuple(one for target in timed for one in problems.get(target.name, ()))
    return Survey(
        infos,
        found,
        {one.name: unreachable[one.name] for one in timed if one.name in unreachable},
        tuple(cautions[one.name] for one in timed if one.name in cautions),
    )
