"""What every way of talking to a device must do, shown on real daemons of a real ARM kernel."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from device_bench import REMOTE, Bench

from harness.errors import CommandFailed, TimedOut, TooMuchOutput, TransferFailed, UsageError
from harness.transports.base import Transport

pytestmark = [pytest.mark.slow, pytest.mark.device]

HOSTILE_NAMES = (
    "with space",
    "quote'and\"double",
    "new\nline",
    "trailing newline\n",
    "größe 日本 😀",
    "semi;colon && touch pwned",
    "$(touch pwned) `touch pwned` ${HOME}",
    "back\\slash * ? [a] {b,c} ~ # ! %s %d",
    "-n",
    "comma,0755",
)


# Commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 2, 41, 126, 127, 128, 137, 254, 255])
def test_exit_codes_pass(transport: Transport, code: int) -> None:
    assert transport.run(["sh", "-c", f"exit {code}"], timeout_s=30).exit_code == code


@pytest.mark.parametrize(("signal", "code"), [("HUP", 129), ("SEGV", 139), ("KILL", 137), ("TERM", 143)])
def test_a_signal_shows_as_128_plus_its_number(transport: Transport, signal: str, code: int) -> None:
    assert transport.run(["sh", "-c", f"kill -s {signal} $$"], timeout_s=30).exit_code == code


def test_a_command_that_must_not_run_twice_runs_once(transport: Transport, folder: str) -> None:
    append = ["sh", "-c", 'echo once >> "$1/log"; echo done; exit 3', "sh", folder]
    completed = transport.run_once(append, timeout_s=30)
    assert (completed.exit_code, completed.stdout) == (3, b"done\n")
    assert transport.run(["cat", f"{folder}/log"], timeout_s=30).stdout == b"once\n"


def test_giving_up_harms_no_connection_that_works(transport: Transport) -> None:
    transport.give_up()
    assert transport.run(["echo", "still here"], timeout_s=30).stdout == b"still here\n"


def test_stdout_and_stderr_stay_apart(transport: Transport) -> None:
    completed = transport.run(
        ["sh", "-c", r"printf 'o\000\r\n'; printf 'e\377' >&2; printf o; exit 3"], timeout_s=30
    )
    assert (completed.stdout, completed.stderr) == (b"o\0\r\no", b"e\xff")


def test_a_missing_program_is_127(transport: Transport) -> None:
    assert transport.run(["no-such-program-anywhere"], timeout_s=30).exit_code == 127


def test_check_tells_what_the_command_said(transport: Transport) -> None:
    with pytest.raises(CommandFailed, match=r"ended with exit code 7: 'no luck'") as caught:
        transport.run(["sh", "-c", "echo no luck >&2; exit 7"], timeout_s=30).check()
    assert caught.value.remote_exit_code == 7


def test_arguments_arrive_as_they_are(transport: Transport, folder: str) -> None:
    arguments = ["", " ", *HOSTILE_NAMES, "tab\t", "\r", "a" * 20_000]
    completed = transport.run(["printf", r"%s\0", *arguments], timeout_s=30)
    assert completed.stdout == b"".join(os.fsencode(argument) + b"\0" for argument in arguments)
    assert transport.run(["ls", folder], timeout_s=30).stdout == b""


def test_a_nul_byte_is_refused_before_anything_runs(transport: Transport) -> None:
    with pytest.raises(UsageError, match="not a command line"):
        transport.run(["printf", "a\0b"], timeout_s=30)


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_stdin_arrives_whole(transport: Transport, size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert transport.run(["cat"], timeout_s=60, stdin=data, longest_bytes=2**23).stdout == data


def test_a_command_that_reads_no_stdin_still_ends(transport: Transport) -> None:
    assert transport.run(["true"], timeout_s=30, stdin=b"x" * 3_000_000).exit_code == 0


def test_much_output_arrives_whole(transport: Transport, folder: str, tmp_path: Path) -> None:
    source = tmp_path / "part"
    source.write_bytes(random.Random(3).randbytes(2_000_000))
    transport.push(source, f"{folder}/part")
    argv = ["cat", *[f"{folder}/part"] * 10]
    completed = transport.run(argv, timeout_s=120, longest_bytes=2**25)
    assert completed.stdout == source.read_bytes() * 10


def test_both_streams_may_be_large(transport: Transport) -> None:
    script = "seq 1 30000 >&2 & seq 30001 60000; wait"
    completed = transport.run(["sh", "-c", script], timeout_s=60)
    assert completed.stderr.split() == [b"%d" % number for number in range(1, 30_001)]
    assert completed.stdout.split() == [b"%d" % number for number in range(30_001, 60_001)]


def test_silence_longer_than_adb_shells_ten_seconds_is_no_error(bench: Bench) -> None:
    def wait_silently(kind: str) -> int:
        transport = bench.connect(kind)
        try:
            return transport.run(["sh", "-c", "sleep 12; exit 5"], timeout_s=60).exit_code
        finally:
            transport.close()

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(wait_silently, REMOTE)) == [5] * len(REMOTE)


def test_a_timeout_ends_the_remote_command(transport: Transport) -> None:
    # The name is found in the process list, and its children are found with it.
    script = "sleep 4321 & sleep 4321; true"
    with pytest.raises(TimedOut, match="'sh' did not end within 1 s"):
        transport.run(["sh", "-c", script], timeout_s=1)
    listing = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
    assert b"sleep 4321" not in transport.run(["sh", "-c", listing], timeout_s=30).stdout.replace(
        listing.encode(), b""
    )


def test_the_connection_works_after_a_timeout(transport: Transport) -> None:
    with pytest.raises(TimedOut):
        transport.run(["sh", "-c", "while :; do echo flood; done"], timeout_s=1, longest_bytes=2**28)
    assert transport.run(["echo", "still here"], timeout_s=30).stdout == b"still here\n"


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 2_000_000])
def test_files_arrive_whole_both_ways(transport: Transport, folder: str, tmp_path: Path, size: int) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(random.Random(size).randbytes(size))
    transport.push(source, f"{folder}/file")
    transport.pull(f"{folder}/file", back)
    assert back.read_bytes() == source.read_bytes()
    assert transport.run(["ls", "-A", folder], timeout_s=30).text.split("\n")[0] in ("file", "back")


def test_any_name_will_do(transport: Transport, folder: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    for name in HOSTILE_NAMES:
        transport.push(source, f"{folder}/{name}")
        transport.pull(f"{folder}/{name}", tmp_path / f"back-{name}")
        assert (tmp_path / f"back-{name}").read_bytes() == b"content"
    names = transport.run(["sh", "-c", 'cd "$1" && printf "%s/" * .*', "sh", folder], timeout_s=30).text
    assert set(HOSTILE_NAMES) <= set(names.split("/"))
    assert "pwned" not in names.split("/")


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_the_mode_is_set(transport: Transport, folder: str, tmp_path: Path, mode: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    source.chmod(0o640)
    transport.push(source, f"{folder}/file", mode=mode)
    assert transport.run(["stat", "-c", "%a", f"{folder}/file"], timeout_s=30).text == f"{mode:o}\n"


def test_a_push_replaces_a_program_that_runs(transport: Transport, folder: str, tmp_path: Path) -> None:
    program, other = f"{folder}/program", tmp_path / "other"
    transport.run(["cp", "/bin/sleep", program], timeout_s=30).check()
    start = 'setsid "$1" 60 >/dev/null 2>&1 </dev/null & echo $!'
    pid = transport.run(["sh", "-c", start, "sh", program], timeout_s=30).check().text.strip()
    other.write_bytes(b"#!/bin/sh\necho replaced\n")
    try:
        transport.push(other, program, mode=0o755)
        assert transport.run([program], timeout_s=30).stdout == b"replaced\n"
    finally:
        transport.run(["kill", pid], timeout_s=30)


@pytest.mark.parametrize("target", ["missing/folder/below/proc", "folder"])
def test_a_refused_push_tells_the_reason(
    transport: Transport, folder: str, tmp_path: Path, target: str
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    destination = folder if target == "folder" else "/proc/nothing/can/be/made/here"
    with pytest.raises(TransferFailed, match=r"(?i)cannot (push|copy) .*(directory|folder)"):
        transport.push(source, destination, timeout_s=30)
    assert transport.run(["true"], timeout_s=30).exit_code == 0


@pytest.mark.parametrize("transport", REMOTE, indirect=True)
def test_a_full_disk_is_told_at_once(transport: Transport, tiny_disk: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 20_000_000)
    with pytest.raises(TransferFailed, match="No space left on device"):
        # adb-shell alone needs ten seconds to say less.
        transport.push(source, f"{tiny_disk}/file", timeout_s=9)
    assert transport.run(["ls", "-A", tiny_disk], timeout_s=30).stdout == b""


@pytest.mark.parametrize("transport", REMOTE, indirect=True)
def test_a_read_only_disk_is_told_at_once(transport: Transport, read_only_disk: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 20_000_000)
    with pytest.raises(TransferFailed, match="Read-only file system"):
        transport.push(source, f"{read_only_disk}/file", timeout_s=9)


def test_a_missing_local_file_is_refused(transport: Transport, folder: str, tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match="not a file"):
        transport.push(tmp_path / "missing", f"{folder}/file")
    with pytest.raises(TransferFailed, match="not a file"):
        transport.push(tmp_path, f"{folder}/file")


def test_a_flood_ends_at_the_commands_bound(transport: Transport) -> None:
    with pytest.raises(TooMuchOutput, match="printed more than 1,000 bytes"):
        transport.run(["cat", "/dev/zero"], timeout_s=60, longest_bytes=1000)
    assert transport.run(["echo", "still here"], timeout_s=30).stdout == b"still here\n"


def test_a_file_longer_than_was_asked_for_is_not_taken(
    transport: Transport, folder: str, tmp_path: Path
) -> None:
    transport.run(["sh", "-c", 'printf 12345 > "$1/five"', "sh", folder], timeout_s=30)
    with pytest.raises(TransferFailed, match="five is longer than 4 bytes"):
        transport.pull(f"{folder}/five", tmp_path / "back", longest_bytes=4)
    assert not (tmp_path / "back").exists()
    transport.pull(f"{folder}/five", tmp_path / "back", longest_bytes=5)
    assert (tmp_path / "back").read_bytes() == b"12345"


@pytest.mark.parametrize("source", ["/nonexistent/file", "/etc"])
def test_a_refused_pull_leaves_nothing(transport: Transport, tmp_path: Path, source: str) -> None:
    with pytest.raises(TransferFailed, match=r"cannot (pull|copy)"):
        transport.pull(source, tmp_path / "back")
    assert list(tmp_path.iterdir()) == []


def test_a_pull_to_a_folder_that_does_not_exist_is_refused(transport: Transport, tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match="No such file or directory"):
        transport.pull("/etc/passwd", tmp_path / "missing" / "back")


def test_a_pulled_link_becomes_the_file_it_names(transport: Transport, folder: str, tmp_path: Path) -> None:
    transport.run(["sh", "-c", 'echo linked > "$1/file"; ln -s file "$1/link"', "sh", folder], timeout_s=30)
    transport.pull(f"{folder}/link", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"linked\n"
    assert not (tmp_path / "back").is_symlink()
