"""What `harness lab status` shows."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness.cli.application import console_for, print_json, show
from harness.cli.tables import print_table
from harness.errors import UsageError
from harness.lab.devices import describe_silent
from harness.lab.facts import HostFacts, refuse_unlike
from harness.system.text import printable

if TYPE_CHECKING:
    from harness.lab.connection import Lab


def show_status(lab: "Lab", *, json: bool) -> None:
    """Print the hosts and devices of a lab; on a terminal two tables."""
    problem = _problem(lab.hosts)
    if json:
        print_json(
            {"address": str(lab.address), "hosts": lab.hosts, "silent": lab.silent, "problem": problem}
        )
        return
    columns = ("host", "machine", "devices", "lowers at once", "disk free", "clock")
    print_table(console_for(), "", columns, [_host_row(host) for host in lab.hosts])
    rows = list(_device_rows(lab.hosts))
    if rows:
        print_table(console_for(), "", ("device", "kind", "tags", "host", "used by"), rows)
    for line in _version_lines(lab.hosts):
        show(printable(line))
    for warning in (*describe_silent(lab), *([problem] if problem else [])):
        show(printable(f"warning: {warning}"))


def _host_row(host: HostFacts) -> tuple[str, ...]:
    return (
        host.name,
        host.machine,
        str(len(host.devices)),
        str(host.lowering_workers or "-"),
        f"{host.disk_free_bytes / 1e9:.0f} GB",
        f"{host.clock_offset_s:+z.1f} s",
    )


def _version_lines(hosts: Sequence[HostFacts]) -> list[str]:
    """The versions of all hosts, or of those that share them; below the table, which would crop them."""
    hosts_of: dict[str, list[str]] = {}
    for host in hosts:
        versions = ", ".join(f"{name} {_short(name, version)}" for name, version in host.versions.items())
        hosts_of.setdefault(versions, []).append(host.name)
    if len(hosts_of) == 1:
        return [f"versions: {versions}" for versions in hosts_of]
    return [f"versions of {', '.join(names)}: {versions}" for versions, names in hosts_of.items()]


def _short(name: str, version: str) -> str:
    return version[:10] if "revision" in name else version


def _device_rows(hosts: Sequence[HostFacts]) -> Iterable[tuple[str, ...]]:
    for host in hosts:
        holders = {name: hold for hold in host.holds for name in hold.devices}
        for device in host.devices:
            hold = holders.get(device.name)
            used = f"{hold.holder} for {max(0.0, time.time() - hold.since_s) / 60:.0f} min" if hold else "-"
            yield device.name, device.kind, " ".join(device.tags), host.name, used


def _problem(hosts: Sequence[HostFacts]) -> str | None:
    try:
        refuse_unlike(hosts)
    except UsageError as error:
        return error.what
    return None
