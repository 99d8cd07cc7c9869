"""The plan of a run: what is measured already, how many processes are left, and how long they may take."""

import pytest
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_device, make_processes
from harness.cli.plan_text import describe_plan
from harness.devices.target import Target
from harness.errors import UsageError
from harness.measuring.planned import RunPlan
from harness.measuring.plans import plan_cells
from harness.measuring.run_plan import make_run_plan
from harness.records import Cell, Core, DeviceInfo, RunRequest, Variant

SMALL, LARGE = (Variant(width=width, resolution_px=128, precision="fp32") for width in (0.25, 1.0))
PHONE = make_device(name="phone", kind="android", cores=tuple(Core(index=index) for index in range(4)))
REQUEST = RunRequest(
    devices=("phone",),
    widths=(0.25, 1.0),
    resolutions_px=(128,),
    precisions=("fp32",),
    threads=(1, 2),
    cores=("all",),
    processes=3,
    max_rounds=6,
)
TARGET = Target("phone", "android", "adb", "serial")


def plan(
    request: RunRequest = REQUEST,
    *targets: Target,
    infos: tuple[DeviceInfo, ...] = (PHONE,),
    earlier: tuple[Cell, ...] = (),
) -> RunPlan:
    known = {info.name: info for info in infos}
    return make_run_plan(request, (SMALL, LARGE), None, targets or (TARGET,), known, earlier)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", f"{tmp_path}/cache")


def measured(processes: int, **changes: object) -> Cell:
    """The first cell of the request, with processes half a minute apart."""
    (first, *_) = plan_cells(REQUEST, (SMALL,), PHONE, ("all",))
    reports = tuple(
        replace(one, started_at=f"2026-11-26T10:00:{30 * index:02}+00:00")
        for index, one in enumerate(make_processes(*[10_000_000] * processes, cpus_allowed="0-3"))
    )
    artifact = make_artifact(variant=SMALL)
    cell = make_cell(device=PHONE, plan=first.plan, processes=reports, artifact=artifact)
    return replace(cell, variant=SMALL, **changes)


def test_each_cell_has_its_processes_and_an_estimate() -> None:
    found = plan()
    (device,) = found.devices
    assert [(cell.variant, cell.threads, cell.cores) for cell in device.cells] == [
        (variant.name, threads, "0-3") for variant in (SMALL, LARGE) for threads in (1, 2)
    ]
    assert {(cell.least_processes, cell.most_processes) for cell in device.cells} == {(3, 6)}
    assert device.basis.startswith("rule: ")
    assert 0 < device.least_seconds < device.most_seconds
    assert [(one.lowered, one.size_bytes) for one in found.variants] == [(False, None)] * 2
    assert found.least_seconds == found.lowering_seconds + device.least_seconds


def test_a_cell_that_is_complete_is_measured_and_another_has_fewer_processes_left() -> None:
    (device,) = plan(earlier=(measured(3, stopped_by="target_precision"),)).devices
    assert [cell.measured for cell in device.cells] == [True, False, False, False]
    assert device.cells[0].most_seconds == 0
    (device,) = plan(earlier=(measured(2),)).devices
    assert (device.cells[0].least_processes, device.cells[0].most_processes) == (1, 4)


def test_the_pace_of_the_run_folder_comes_before_the_rule() -> None:
    (device,) = plan(infos=(), earlier=(measured(2),)).devices
    assert device.cores_known
    assert device.basis == "the pace of the processes measured so far"
    assert device.cells[3].least_seconds == pytest.approx(3 * 30.0, abs=5)


def test_a_device_that_was_not_asked_has_the_cells_that_the_options_name() -> None:
    request = replace(REQUEST, threads=(), cores=("little", "0-1"))
    (device,) = plan(request, infos=()).devices
    assert not device.cores_known
    assert [(cell.threads, cell.cores) for cell in device.cells] == [(None, "little"), (None, "0-1")] * 2


@pytest.mark.parametrize("infos", [(), (PHONE,)])
def test_each_rate_is_a_cell_and_cold_starts_cost_processes_of_their_own(
    infos: tuple[DeviceInfo, ...],
) -> None:
    request = replace(REQUEST, threads=(1,), rates_hz=(15.0, 30.0))
    (device,) = plan(request, infos=infos).devices
    assert [cell.rate_hz for cell in device.cells] == [15.0, 30.0] * 2
    (colder,) = plan(replace(request, cold=True), infos=infos).devices
    # Three cold starts of 2 s for each of the four cells.
    assert colder.least_seconds - device.least_seconds == pytest.approx(4 * 3 * 2.0)


@pytest.mark.parametrize("infos", [(), (PHONE,)])
def test_a_sustained_run_takes_its_time_of_each_cell_within_the_time_limit(
    infos: tuple[DeviceInfo, ...],
) -> None:
    request = replace(REQUEST, threads=(1,))
    (plain,) = plan(request, infos=infos).devices
    (hot,) = plan(replace(request, sustain_seconds=600), infos=infos).devices
    assert [cell.sustain_seconds for cell in hot.cells] == [600] * len(plain.cells)
    assert hot.least_seconds - plain.least_seconds == pytest.approx(len(plain.cells) * 602)
    minutes = 10.0 * len(plain.cells)
    (limited,) = plan(replace(request, sustain_seconds=600, max_minutes=minutes), infos=infos).devices
    assert limited.most_seconds == pytest.approx(60 * minutes)
    with pytest.raises(UsageError) as refused:
        plan(replace(request, sustain_seconds=600, max_minutes=minutes - 1), infos=infos)
    assert refused.value.what.startswith(f"sustained runs of 10:00 for {len(plain.cells)} cells take")
    assert "--time-limit is" in refused.value.what


def test_energy_takes_its_windows_of_each_cell_whatever_the_time_limit() -> None:
    (plain,) = plan(replace(REQUEST, threads=(1,))).devices
    request = replace(REQUEST, threads=(1,), energy="device")
    (metered,) = plan(request).devices
    assert [cell.energy_seconds for cell in metered.cells] == [150] * len(plain.cells)
    assert metered.least_seconds - plain.least_seconds == pytest.approx(len(plain.cells) * 152)
    assert f"energy of {len(plain.cells)} cells" in describe_plan(plan(request))


def test_what_a_device_lacks_is_its_error_and_the_others_are_planned() -> None:
    request = replace(REQUEST, cores=("big",))
    other = replace(
        PHONE, name="other", cores=tuple(Core(index=i, capacity=100 * (i + 1)) for i in (0, 1, 2, 3))
    )
    found = plan(request, TARGET, Target("other", "android", "adb", "other"), infos=(PHONE, other))
    assert found.devices[0].error == "the device has no big cores"
    assert found.devices[0].cells == ()
    assert found.devices[1].error is None


def test_devices_beside_each_other_count_once_and_a_time_limit_ends_the_estimate() -> None:
    two = replace(PHONE, name="two")
    one, both = plan(), plan(REQUEST, TARGET, Target("two", "android", "adb", "two"), infos=(PHONE, two))
    assert both.most_seconds == one.most_seconds
    limited = plan(replace(REQUEST, max_minutes=0.5))
    assert limited.most_seconds == limited.lowering_seconds + 30


def test_devices_of_a_pool_share_the_variants_but_for_the_first() -> None:
    two = replace(PHONE, name="two")
    targets = (TARGET, Target("two", "android", "adb", "two"))
    found = plan(replace(REQUEST, any_of=("phone", "two")), *targets, infos=(PHONE, two))
    seconds = {
        variant.name: sum(
            cell.most_seconds for cell in found.devices[0].cells if cell.variant == variant.name
        )
        for variant in (SMALL, LARGE)
    }
    shared = seconds[SMALL.name] + seconds[LARGE.name] / 2
    assert found.most_seconds - found.lowering_seconds == pytest.approx(shared)
    text = describe_plan(found)
    assert f"the 2 devices share these cells; each measures those of {SMALL.name}" in text
    assert "share these cells" not in describe_plan(plan(REQUEST, *targets, infos=(PHONE, two)))
    limited = plan(replace(REQUEST, any_of=("phone", "two"), max_minutes=0.1), *targets, infos=(PHONE, two))
    assert limited.most_seconds == pytest.approx(limited.lowering_seconds + 6)


def test_a_variant_beside_its_base_takes_twice_as_many_processes() -> None:
    found = make_run_plan(
        replace(REQUEST, against="/base"),
        (SMALL, LARGE),
        None,
        (TARGET,),
        {"phone": PHONE},
        beside_base={SMALL},
    )
    (device,) = found.devices
    by_variant = {cell.variant: (cell.least_processes, cell.most_processes) for cell in device.cells}
    assert by_variant == {SMALL.name: (6, 12), LARGE.name: (3, 6)}
    small, large = (next(one for one in device.cells if one.variant == v.name) for v in (SMALL, LARGE))
    assert small.least_seconds > large.least_seconds


def test_pairs_get_ten_rounds_and_up_to_twenty_on_a_real_clock() -> None:
    request = replace(REQUEST, against="/base", processes=None, max_rounds=None)
    cells = plan_cells(request, (SMALL,), PHONE, ("all",))
    assert {(one.plan.processes, one.plan.max_processes) for one in cells} == {(10, 20)}
    emulated = plan_cells(request, (SMALL,), replace(PHONE, clock="emulated"), ("all",))
    assert {(one.plan.processes, one.plan.max_processes) for one in emulated} == {(2, 2)}
