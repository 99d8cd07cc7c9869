"""Words and answers that are damaged on their way are noticed, whichever byte it is."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ConnectionLost, DeviceUnfit
from harness.system.processes import Completed, run_local
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport
from harness.transports.verified import ATTEMPTS, read_verified, run_verified, verified_argv

Damage = Callable[[bytes], bytes]


class Damaging(LocalTransport):
    """Changes what the device says, the first `times` times."""

    def __init__(self, damage: Damage, *, times: int) -> None:
        self.damage, self.times = damage, times

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        answer = super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)
        self.times -= 1
        if self.times < 0:
            return answer
        return Completed(answer.argv, answer.exit_code, self.damage(answer.stdout), answer.stderr)


@pytest.mark.parametrize("code", [0, 1, 72, 75, 255])
def test_words_answer_and_exit_code_come_through(code: int) -> None:
    words = ["two words", "", "it's", "$HOME", "*", "back\\slash\\n", "new\nline", "-n", "é"]
    script = f"printf '<%s>\\n' \"$@\"; exit {code}"
    answer = run_verified(LocalTransport(), ["sh", "-c", script, "x", *words], timeout_s=20)
    assert answer.text == "".join(f"<{word}>\n" for word in words)
    assert answer.exit_code == code


@pytest.mark.parametrize("shell", [("dash",), ("busybox", "sh"), ("mksh",), ("bash", "--posix")], ids=str)
def test_every_shell_does_the_same(shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    answer = run_local([*shell, *verified_argv(["printf", "a\\tb\\n\\\\"])[1:]], timeout_s=20)
    assert read_verified(answer).stdout == b"a\tb\n\\\n"


def test_a_damaged_answer_is_asked_for_again() -> None:
    transport = Damaging(lambda said: said.replace(b"8", b"0"), times=1)
    assert run_verified(transport, ["echo", "status 8"], timeout_s=20).text == "status 8\n"


def test_an_answer_damaged_every_time_is_refused() -> None:
    transport = Damaging(lambda said: said[:-9], times=ATTEMPTS)
    with pytest.raises(ConnectionLost, match="damaged"):
        run_verified(transport, ["echo", "status 8"], timeout_s=20)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(0, 7))
def test_no_flipped_bit_of_an_answer_goes_unnoticed(byte: int, bit: int) -> None:
    answer = run_local(verified_argv(["echo", "load_average_1min=0.25"]), timeout_s=20)
    said = bytearray(answer.stdout)
    said[byte] ^= 1 << bit
    with pytest.raises(ConnectionLost):
        read_verified(Completed(answer.argv, answer.exit_code, bytes(said), b""))


def test_damaged_words_do_nothing(tmp_path: Path) -> None:
    argv = list(verified_argv(["touch", str(tmp_path / "a")]))
    argv[-1] = str(tmp_path / "b")
    with pytest.raises(ConnectionLost, match="damaged"):
        read_verified(run_local(argv, timeout_s=20))
    assert not list(tmp_path.iterdir())


def test_a_device_without_sha256sum_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceUnfit, match="no sha256sum"):
        run_verified(LocalTransport(), ["echo"], timeout_s=20)
