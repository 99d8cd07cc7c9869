"""Which devices of a continued run have nothing left to measure."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import failed, make_artifact, make_cell, make_cold, make_device
from harness.devices.target import Target
from harness.errors import LoweringError
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.finished import is_finished
from harness.measuring.plans import plan_cells
from harness.records import Cell, Core, MemoryDetail, RunRequest, Variant

SMALL, LARGE = (Variant(width=width, resolution_px=128, precision="fp32") for width in (0.25, 1.0))
PHONE = make_device(name="phone", cores=tuple(Core(index=index) for index in range(4)))
TARGET = Target("phone", "android", "adb", "serial")
REQUEST = RunRequest(
    devices=("phone",), widths=(0.25, 1.0), resolutions_px=(128,), precisions=("fp32",), threads=(1,)
)
DETAIL = MemoryDetail(
    pss_initialized_bytes=1,
    private_dirty_initialized_bytes=1,
    pss_end_bytes=1,
    private_dirty_end_bytes=1,
    unavailable=None,
)


def stored(variant: Variant, **changes: Any) -> "Future[StoredArtifact]":
    future: Future[StoredArtifact] = Future()
    artifact = make_artifact(variant=variant, **changes)
    future.set_result(StoredArtifact.of_entry(Path("/none"), artifact, was_cached=True))
    return future


def complete(request: RunRequest = REQUEST) -> tuple[Cell, ...]:
    """Both cells as a run leaves them that has ended."""
    return tuple(
        replace(
            cell, variant=one.variant, stopped_by="target_precision", memory=replace(memory, detail=DETAIL)
        )
        for one in plan_cells(request, (SMALL, LARGE), PHONE, ())
        for cell in [make_cell(device=PHONE, plan=one.plan, artifact=make_artifact(variant=one.variant))]
        if (memory := cell.memory)
    )


ARTIFACTS = {variant: stored(variant) for variant in (SMALL, LARGE)}


def test_a_device_whose_cells_are_complete_is_finished() -> None:
    assert is_finished(TARGET, REQUEST, ARTIFACTS, complete())
    assert not is_finished(TARGET, REQUEST, ARTIFACTS, ())
    assert not is_finished(TARGET, REQUEST, ARTIFACTS, complete()[:1])


@pytest.mark.parametrize(
    "changes",
    [
        {"stopped_by": None},
        {"stopped_by": "max_minutes"},
        {"failure": failed(make_cell()).failure},
        {"plan": replace(complete()[0].plan, threads=2)},
        {"memory": make_cell().memory},
    ],
    ids=["further processes", "out of time", "failed", "another plan", "no memory pass"],
)
def test_one_cell_that_lacks_something_makes_it_unfinished(changes: dict[str, Any]) -> None:
    first, second = complete()
    assert not is_finished(TARGET, REQUEST, ARTIFACTS, (replace(first, **changes), second))


@pytest.mark.parametrize(
    "asked", [{"profile": True}, {"cold": True}, {"sustain_seconds": 60}, {"energy": "device"}]
)
def test_what_the_request_asks_for_beside_times_is_looked_for(asked: dict[str, Any]) -> None:
    request = replace(REQUEST, **asked)
    cells = complete(request)
    assert not is_finished(TARGET, request, ARTIFACTS, cells)
    if "cold" in asked:
        assert is_finished(TARGET, request, ARTIFACTS, [replace(one, cold=make_cold(30)) for one in cells])


def test_a_program_that_changed_failed_or_is_not_there_yet_makes_it_unfinished() -> None:
    broken: Future[StoredArtifact] = Future()
    broken.set_exception(LoweringError("made up"))
    for other in (stored(SMALL, sha256="b" * 64), Future[StoredArtifact](), broken):
        assert not is_finished(TARGET, REQUEST, ARTIFACTS | {SMALL: other}, complete())


def test_a_device_that_lacks_a_feature_is_asked_again_and_refuses_again() -> None:
    half = replace(SMALL, precision="fp16")
    old = replace(PHONE, half_precision=False)
    cells = tuple(replace(cell, device=old) for cell in complete())
    assert not is_finished(TARGET, REQUEST, ARTIFACTS | {half: stored(half)}, cells)
