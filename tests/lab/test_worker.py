"""What a host's process does with programs that it cannot keep."""

import contextlib
import dataclasses
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_run
from harness.devices.target import Target
from harness.measuring.first_session import FirstSession
from harness.measuring.plans import Uncomputable

pytest.importorskip("ray")

from harness.lab import worker as worker_module
from harness.lab.sent_errors import send
from harness.lab.shipping import Parcel
from harness.lab.worker import Ended, Order, RemoteMeasuring

ARTIFACT = make_artifact()
ORDER = Order(
    host="desk",
    token="1",
    holder="a test",
    folder="/run",
    run=make_run((make_cell(),)),
    targets=(Target(name="pi4", kind="linux_board", transport="ssh"),),
    variants=(ARTIFACT.variant,),
)


def test_a_program_that_a_host_cannot_keep_is_an_error_of_the_device_and_the_variant() -> None:
    worker = RemoteMeasuring()
    worker.take(ARTIFACT.variant, Parcel(ARTIFACT, {"model.pte": "a digest"}, {}, unchecked=False))
    with pytest.raises(Exception, match="a digest"):
        worker._future(ARTIFACT.variant).result()
    (error,) = worker._errors_of_programs(ORDER)
    assert (error.device, error.variant) == ("pi4", ARTIFACT.variant.name)
    assert worker._errors_of_programs(ORDER) == []


def test_a_variant_that_was_not_lowered_is_reported_by_the_run_alone() -> None:
    worker = RemoteMeasuring()
    worker.take(ARTIFACT.variant, send(ValueError("not lowered")))
    assert worker._future(ARTIFACT.variant).exception()
    assert worker._errors_of_programs(ORDER) == []


def measure(worker: RemoteMeasuring, order: Order = ORDER) -> Ended:
    *_, ended = worker.measure(order)
    assert isinstance(ended, Ended)
    return ended


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> "list[SimpleNamespace]":
    """What stands for the devices at work, once for each order; no host is asked."""
    made: list[SimpleNamespace] = []

    def make(*_: object, first_sessions: dict[str, FirstSession]) -> SimpleNamespace:
        refused = [Uncomputable("no FP16 arithmetic", device="pi4")]
        first_sessions.setdefault("pi4", FirstSession())
        made.append(SimpleNamespace(work=lambda: None, errors=refused, first_sessions=first_sessions))
        return made[-1]

    monkeypatch.setattr(worker_module, "DeviceGroup", make)
    monkeypatch.setattr(worker_module, "_recorded_hold", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(worker_module, "_folder_of", lambda _: contextlib.nullcontext(Path("/run")))
    return made


@pytest.mark.usefixtures("group")
def test_a_variant_that_a_device_cannot_compute_leaves_it_to_the_others_of_a_pool() -> None:
    (error,) = measure(RemoteMeasuring()).errors
    assert (error.kind, error.device, error.variant) == ("DeviceUnfit", "pi4", ARTIFACT.variant.name)
    several = dataclasses.replace(ORDER, variants=(ARTIFACT.variant, replace(ARTIFACT.variant, width=0.25)))
    (error,) = measure(RemoteMeasuring(), several).errors
    assert error.variant == ""


def test_the_variants_of_a_pool_share_one_time_limit_and_one_first_temperature(
    group: "list[SimpleNamespace]",
) -> None:
    worker = RemoteMeasuring()
    measure(worker)
    measure(worker)
    first, second = (one.first_sessions["pi4"] for one in group)
    assert first is second
    # A search starts another process for each of its steps.
    measure(RemoteMeasuring(), dataclasses.replace(ORDER, elapsed_s={"pi4": 3600.0}))
    assert time.monotonic() - group[-1].first_sessions["pi4"].started == pytest.approx(3600, abs=60)
