"""The devices of a lab by name, and a look at them before a run begins."""

from collections.abc import Callable, Sequence
from typing import Any

from harness.devices.identity import is_group, without_duplicates
from harness.devices.inventory import choose_device
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceError, DeviceUnfit, UsageError
from harness.lab.connection import ANSWER_TIMEOUT_S, Lab
from harness.lab.host import SentSurvey
from harness.lab.ray_library import RayError, ray
from harness.lab.sent_errors import receive
from harness.measuring.preflight import Survey
from harness.records import DeviceInfo

# A phone that does not answer takes three attempts of 30 s.
SURVEY_TIMEOUT_S = 180.0


def resolve_in_lab(
    lab: Lab,
    names: Sequence[str],
    log: Callable[[str], None],
    *,
    earlier: Sequence[DeviceInfo] | None = None,
) -> tuple[Target, ...]:
    """Find each named device: a name, `tag:NAME`, `all`, or a part of one device's name.

    A device of several names is found once, and logged with them, as is each host that did not answer.
    `earlier` are the devices that a continued run has cells of; those that no host offers now are among the
    found ones, and logged, so that the run can go on without them.

    Raises:
        UsageError: a name fits nothing, or none is given.
        DeviceUnfit: a name fits several devices.
    """
    offered = [device for host in lab.hosts for device in host.devices]
    for line in describe_silent(lab):
        log(f"warning: {line}")
    if not names:
        raise UsageError("no --device was named", hint=_choices(lab))
    found = [(name, target) for name in names for target in _look_for(name, offered, lab, earlier)]
    there = {target.name for _, target in found}
    # Of a group there is no other trace of a device that is gone.
    found += [(one.name, _absent(one)) for one in earlier or () if one.name not in there]
    named = ((target.name if is_group(name) else name, target) for name, target in found)
    targets = without_duplicates(named, log, key=lambda target: target.name)
    for target in targets:
        if not lab.offers(target.name):
            log(f"warning: no host of the lab offers {target.name} now: the run goes on without it")
    return targets


def _look_for(
    name: str, offered: Sequence[Target], lab: Lab, earlier: Sequence[DeviceInfo] | None
) -> tuple[Target, ...]:
    """The devices of a name; of a continued run first those that it has cells of, offered or not."""
    if earlier is None:
        return _find(name, offered, lab)
    begun = [one for one in earlier if name.lower() in one.name.lower()]
    begun = [one for one in begun if one.name == name] or begun
    if len(begun) == 1 and not any(device.name == name for device in offered):
        own = [device for device in offered if device.name == begun[0].name]
        return tuple(own) or (_absent(begun[0]),)
    try:
        return _find(name, offered, lab)
    except UsageError:
        if is_group(name):
            return ()
        # The run had it, or would not have begun; it was lost before its first cell.
        return (Target(name=name, kind="linux_board", transport=""),)


def _absent(info: DeviceInfo) -> Target:
    return Target(info.name, info.kind if info.kind in KINDS else "linux_board", info.transport)


def describe_silent(lab: Lab) -> list[str]:
    """A sentence for each host whose devices nobody knows, because it did not answer."""
    return [
        f"host {name} of the lab did not answer within {ANSWER_TIMEOUT_S:.0f} s: its devices are left out"
        for name in lab.silent
    ]


def survey_in_lab(
    lab: Lab, targets: Sequence[Target], log: Callable[[str], None], *, energy: bool = False
) -> Survey:
    """Let each host look at its devices, all at once; one that does not answer is left out."""
    asked: list[Any] = []
    for host in lab.hosts:
        names = {device.name for device in host.devices}
        own = [target for target in targets if target.name in names and KINDS[target.kind].clock == "real"]
        if own:
            asked.append(lab.actor(host.name).survey.remote(own, energy=energy))
    found: list[SentSurvey] = []
    for reference in asked:
        try:
            found.append(ray.get(reference, timeout=SURVEY_TIMEOUT_S))
        except (RayError, TimeoutError) as error:
            log(f"a host of the lab did not look at its devices: {type(error).__name__}")
    unreachable = {name: receive(error) for one in found for name, error in one.unreachable.items()}
    return Survey(
        {name: info for one in found for name, info in one.survey.infos.items()},
        tuple(problem for one in found for problem in one.survey.problems),
        {name: error for name, error in unreachable.items() if isinstance(error, DeviceError)},
        tuple(caution for one in found for caution in one.survey.cautions),
    )


def _find(name: str, offered: Sequence[Target], lab: Lab) -> tuple[Target, ...]:
    exact = [device for device in offered if device.name == name]
    if exact:
        return tuple(exact)
    if is_group(name):
        tag = name.removeprefix("tag:")
        tagged = tuple(device for device in offered if name == "all" or tag in device.tags)
        if not tagged:
            what = "a device" + ("" if name == "all" else f" with the tag {tag!r}")
            raise UsageError(f"no host of the lab offers {what}", hint=_choices(lab))
        return tagged
    fitting = [device for device in offered if name.lower() in device.name.lower()]
    if not fitting:
        raise UsageError(f"no host of the lab offers a device {name!r}", hint=_choices(lab, name))
    if len(fitting) > 1:
        listed = ", ".join(device.name for device in fitting)
        raise DeviceUnfit(
            f"{name!r} fits {len(fitting)} devices of the lab: {listed}", hint="name one of them"
        )
    return (fitting[0],)


def _choices(lab: Lab, name: str = "") -> str:
    names = [device.name for host in lab.hosts for device in host.devices]
    offered = {
        "the lab": [f"{device.name} (host {host.name})" for host in lab.hosts for device in host.devices]
    }
    return choose_device(name, names, offered, "`harness lab status`")
