"""A connection that comes back: what is repeated, what is not, and a device that is another one meanwhile."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import ConnectionLost, DeviceError, TimedOut, TransferFailed
from harness.system.processes import Completed
from harness.transports import reconnecting
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport
from harness.transports.reconnecting import DeviceRestarted, ReconnectingTransport
from harness.transports.verified import verified_argv


class Scripted(LocalTransport):
    """Raises the scripted errors, one a call, after the device was met; None lets a call through."""

    def __init__(self, *script: DeviceError | None, boot_ids: Sequence[str] = ("one",)) -> None:
        self.script = list(script)
        self.boot_ids = list(boot_ids)
        self.commands: list[Sequence[str]] = []
        self.closed = 0

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        if tuple(argv) == verified_argv(reconnecting.BOOT_ID):
            boot_id = self.boot_ids.pop(0) if len(self.boot_ids) > 1 else self.boot_ids[0]
            return super().run(verified_argv(["echo", boot_id]), timeout_s=timeout_s)
        self.commands.append(argv)
        if self.script and (error := self.script.pop(0)):
            raise error
        return super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        if self.script and (error := self.script.pop(0)):
            raise error
        super().push(source, destination, mode=mode, timeout_s=timeout_s)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "PAUSES_S", (0.01,))


def met(*script: DeviceError | None, boot_ids: Sequence[str] = ("one",)) -> ReconnectingTransport:
    """A connection that has worked once."""
    transport = ReconnectingTransport(Scripted(None, *script, boot_ids=boot_ids), answer.append)
    answer.clear()
    transport.run(["true"], timeout_s=10)
    return transport


answer: list[str] = []


@pytest.mark.parametrize("error", [ConnectionLost("cut"), TimedOut("stalled")])
def test_a_call_cut_short_is_made_again_on_a_new_connection(error: DeviceError) -> None:
    transport = met(error, error)
    assert transport.run(["echo", "hello"], timeout_s=10).stdout == b"hello\n"
    assert transport._transport.closed == 2  # type: ignore[attr-defined]
    assert answer == [f"{error.what}; connecting again"]


def test_a_push_cut_short_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    met(ConnectionLost("cut")).push(tmp_path / "source", str(tmp_path / "there"))
    assert (tmp_path / "there").read_bytes() == b"content"


def test_what_must_not_happen_twice_is_not_repeated() -> None:
    transport = met(ConnectionLost("cut"))
    with pytest.raises(ConnectionLost):
        transport.run_once(["echo", "once"], timeout_s=10)
    assert transport.run_once(["echo", "again"], timeout_s=10).stdout == b"again\n"
    assert transport._transport.commands == [["true"], ["echo", "once"], ["echo", "again"]]  # type: ignore[attr-defined]


class Late(LocalTransport):
    """Loses the connection so many times before it answers."""

    def __init__(self, losses: int) -> None:
        self.losses = losses

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        if self.losses:
            self.losses -= 1
            raise ConnectionLost("nobody there")
        return super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)


def test_a_connection_cut_before_the_first_answer_is_tried_again() -> None:
    transport = ReconnectingTransport(Late(1), answer.append)
    assert transport.run(["echo", "hello"], timeout_s=10).stdout == b"hello\n"


def test_a_device_that_never_answered_is_not_waited_for() -> None:
    with pytest.raises(ConnectionLost, match="nobody there"):
        ReconnectingTransport(Late(1000), answer.append).run(["true"], timeout_s=10)


def test_a_device_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "PATIENCE_S", 0.1)
    with pytest.raises(ConnectionLost, match="cut"):
        met(*[ConnectionLost("cut")] * 1000).run(["true"], timeout_s=10)


def test_a_user_who_gives_up_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "PAUSES_S", (1000.0,))
    transport = met(ConnectionLost("cut"))
    ended: list[DeviceError] = []

    def run() -> None:
        try:
            transport.run(["true"], timeout_s=10)
        except ConnectionLost as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not answer:
        time.sleep(0.01)
    transport.give_up()
    thread.join(timeout=30)
    assert [error.what for error in ended] == ["cut"]


def test_a_refusal_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    with pytest.raises(TransferFailed):
        met(TransferFailed("disk full")).push(tmp_path / "source", str(tmp_path / "there"))
    assert not (tmp_path / "there").exists()


def test_a_restarted_device_is_another_one() -> None:
    transport = met(ConnectionLost("cut"), boot_ids=("one", "two"))
    with pytest.raises(DeviceRestarted):
        transport.run(["true"], timeout_s=10)
    with pytest.raises(DeviceRestarted):
        transport.run_once(["true"], timeout_s=10)


def test_a_device_that_cannot_read_its_boot_id_now_is_the_known_one() -> None:
    transport = met(ConnectionLost("cut"), None, ConnectionLost("cut"), boot_ids=("one", "", "two"))
    assert transport.run(["echo", "hello"], timeout_s=10).stdout == b"hello\n"
    with pytest.raises(DeviceRestarted):
        transport.run(["true"], timeout_s=10)
