"""Which of several names mean one device."""

from collections.abc import Callable, Iterable

from harness.devices.target import USB, Target


def address_of(target: Target) -> tuple[str, str, int | None]:
    """Equal for two targets that lead to one device: a phone's serial is the same through adb and on USB.

    The devices of a kind that has no addresses are those of its names.
    """
    serial = target.address.removeprefix("usb:") if USB.match(target.address) else target.address
    return target.kind, serial or target.name, target.port


def setup_of(target: Target) -> tuple[object, ...]:
    """Equal for two names of one device in one set-up; with another C library, say, it is measured again."""
    return address_of(target), target.folder, target.launcher, target.libc, target.cores


def is_group(name: str) -> bool:
    """Whether a name stands for several devices."""
    return name == "all" or name.startswith("tag:")


def without_duplicates(
    named: Iterable[tuple[str, Target]],
    log: Callable[[str], None],
    *,
    key: Callable[[Target], object] = setup_of,
) -> tuple[Target, ...]:
    """Each device once by its `key`, in the order of naming; logs which names meant one device.

    `named` has each device with the name that was typed, or its own where that was a group's.
    """
    found: dict[object, Target] = {}
    names: dict[object, list[str]] = {}
    for name, target in named:
        found.setdefault(key(target), target)
        names.setdefault(key(target), []).append(name)
    for one, typed in names.items():
        distinct = tuple(dict.fromkeys(typed))
        if len(distinct) > 1:
            log(f"{', '.join(distinct[:-1])} and {distinct[-1]} are one device: {found[one].name}")
    return tuple(found.values())
