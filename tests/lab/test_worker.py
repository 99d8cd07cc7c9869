"""What a host's process does with programs that it cannot keep."""

import pytest

from builders import make_artifact, make_cell, make_run
from harness.devices.target import Target

pytest.importorskip("ray")

from harness.lab.sent_errors import send
from harness.lab.shipping import Parcel
from harness.lab.worker import Order, RemoteMeasuring

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
