"""A part of a run in a lab: how it stays in line, and when it gives its host up."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from builders import make_run
from harness.devices.target import Target
from harness.records import Cell

pytest.importorskip("ray")

from harness.errors import ConnectionLost
from harness.lab import part as part_module
from harness.lab.facts import HostFacts
from harness.lab.host import Turn
from harness.lab.part import MOST_FAILURES, Part, SharedRun
from harness.lab.ray_library import RayError

HOST = HostFacts("shelf", "shelf", {}, (), 0, 0, 0)
TARGET = Target(name="pi4", kind="linux_board", transport="ssh")


@dataclass(eq=False)
class Reference:
    """What a call of an actor returns; `value` is there once it is ready."""

    value: Any = None
    ready: bool = True


@dataclass
class FakeRay:
    """Answers as Ray does, from `Reference`."""

    def get(self, reference: Reference) -> Any:
        if isinstance(reference.value, Exception):
            raise reference.value
        return reference.value

    def wait(self, references: list[Reference], **_: Any) -> tuple[list[Reference], list[Reference]]:
        return [one for one in references if one.ready], [one for one in references if not one.ready]


@dataclass
class FakeLab:
    """A host that gives these answers, one after the other, the last one again and again."""

    answers: list[Reference]
    asked: int = 0

    def actor(self, host: str) -> Any:
        return SimpleNamespace(
            wait_in_line=SimpleNamespace(remote=self._ask), release=SimpleNamespace(remote=lambda _: None)
        )

    def _ask(self, *_: Any) -> Reference:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class FakeWorker:
    """A process that says whether it has started."""

    started: Reference
    ended: list[bool] = field(default_factory=list)

    def ready(self) -> Reference:
        return self.started

    def end(self) -> None:
        self.ended.append(True)


def make_part(lab: FakeLab, started: Reference, folder: Any) -> Part:
    run = SharedRun(
        lab=lab,  # type: ignore[arg-type]
        record=make_run(()),
        folder=folder,
        listen=lambda event: None,
        artifacts={},
        cells=tuple[Cell](),
        shipper=None,  # type: ignore[arg-type]
        shares=SimpleNamespace(give_back=lambda _: None),
        start_worker=lambda *_: FakeWorker(started),  # type: ignore[arg-type]
        writers=None,  # type: ignore[arg-type]
        presence=SimpleNamespace(has=lambda _: True),  # type: ignore[arg-type]
    )
    return Part(run, HOST, (TARGET,))


def look(part: Part) -> None:
    """A second later: ask, and take what has come; nobody looks at a part that has ended."""
    if part.ended:
        return
    part._asked = float("-inf")
    part.look_around()
    if part.awaited is not None and part.awaited.ready:
        part.advance(part.awaited)


@pytest.fixture(autouse=True)
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_module, "ray", FakeRay())


NOT_YET = Reference(Turn(False, "another run"))
FAILED = Reference(RayError("made up"))


def test_a_busy_host_is_not_asked_again_before_it_has_answered(tmp_path: Any) -> None:
    late = Reference(Turn(False, "another run"), ready=False)
    lab = FakeLab([late])
    part = make_part(lab, Reference(), tmp_path)
    for _ in range(5):
        look(part)
    assert (lab.asked, part.awaited) == (1, late)
    late.ready = True
    look(part)
    look(part)
    assert lab.asked == 3


def test_a_host_is_given_up_when_it_fails_in_a_row_and_not_for_now_and_then(tmp_path: Any) -> None:
    now_and_then = make_part(FakeLab([FAILED, NOT_YET] * 3 * MOST_FAILURES), Reference(), tmp_path)
    for _ in range(6 * MOST_FAILURES - 1):
        look(now_and_then)
    assert (now_and_then.ended, now_and_then.errors) == (False, [])
    gone = make_part(FakeLab([FAILED]), Reference(), tmp_path)
    for asked in range(MOST_FAILURES + 1):
        assert not gone.ended, asked
        look(gone)
    (error,) = gone.errors
    assert gone.ended
    assert isinstance(error, ConnectionLost)
    assert "the lab's host shelf is gone" in error.what


def test_a_host_that_answers_but_starts_no_process_is_given_up(tmp_path: Any) -> None:
    part = make_part(FakeLab([Reference(Turn(True, ""))]), FAILED, tmp_path)
    for _ in range(4 * MOST_FAILURES):
        look(part)
    assert part.ended
    (error,) = part.errors
    assert "or its process that measures" in error.what
