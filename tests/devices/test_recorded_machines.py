"""Machines that people measure on, as file trees: what is read of each, and what is unreadable there.

`tests/data/probe_trees/machines/expected.toml` has the right reading of each tree. What a table leaves out is
missing there; -1 stands for a missing one of several.
"""

import tomllib
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from recorded_devices import PHONES, TREES, FixedAnswer, lay_tree, probe

from harness.analysis.clusters import find_clusters
from harness.analysis.temperatures import hottest_zone
from harness.devices.conditions import parse_conditions
from harness.devices.device import describe
from harness.devices.probe import Probed
from harness.records import Conditions, DeviceInfo
from harness.system.cpu_list import format_cpu_list

MACHINES = TREES / "machines"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((MACHINES / "expected.toml").read_text())
# The trees hold neither these files nor, for the most part, a list of the cores' features.
NOT_RECORDED = {"boot_id", "perf_event_paranoid", "half_precision", "time_in_state", "page_size_kib"}


def info_of(facts: Probed) -> DeviceInfo:
    """What the harness makes of the facts, on a 64-bit machine with a writable folder."""
    values = {**facts.values, "machine": "aarch64", "folder_writable": "yes"}
    values.pop("userland_bits", None)
    text = "".join(f"{key}={value}\n" for key, value in values.items())
    text += "".join(f"!{key}={reason}\n" for key, reason in facts.unreadable.items())
    return describe(FixedAnswer(text), name="it", kind="linux_board", folder="/x")[0]


def reading_of(info: DeviceInfo, conditions: Conditions) -> dict[str, Any]:
    hottest = hottest_zone(conditions)
    clusters = {name: format_cpu_list(cores) for name, cores in find_clusters(info.cores).items()}
    names = [f"{len(list(group))} {name}" for name, group in groupby(core.name for core in info.cores)]
    reading = {
        "model": info.model,
        "soc": info.soc,
        "os": info.os,
        "cores": names,
        "clusters": clusters,
        "hottest": hottest and [hottest.zone, hottest.celsius],
        "temperatures": {zone.zone: zone.celsius for zone in conditions.temperatures or ()},
        "mhz": [khz and khz // 1000 for khz in conditions.frequencies_khz or ()],
        "governors": sorted(set(filter(None, conditions.governors or ()))),
        "thermal_status": conditions.thermal_status,
        "battery": [conditions.battery_percent, conditions.battery_celsius],
        "throttled_flags": conditions.throttled_flags,
        "unreadable_facts": sorted({one.fact for one in info.unreadable} - NOT_RECORDED),
        "unreadable": sorted(set(conditions.unreadable) - NOT_RECORDED),
    }
    reading = {
        key: [-1 if one is None else one for one in value] if isinstance(value, list) else value
        for key, value in reading.items()
    }
    return {key: value for key, value in reading.items() if value not in (None, [], {}, [-1, -1])}


@pytest.mark.parametrize("machine", EXPECTED)
def test_a_machine_is_read_as_it_is(tmp_path: Path, machine: str) -> None:
    root = lay_tree(f"machines/{machine}", tmp_path)
    info = info_of(probe(root, "facts", ["sh"]))
    conditions = parse_conditions(probe(root, "conditions", ["sh"]))
    assert reading_of(info, conditions) == EXPECTED[machine]


def test_every_tree_has_its_expected_reading() -> None:
    tables = [*MACHINES.glob("*.tsv"), *PHONES.glob("*.tsv")]
    # Of the Galaxy S9, test_recorded_exceptions.py knows what is read.
    assert {path.stem for path in tables} - {"galaxy_s9"} == set(EXPECTED)
