"""The first and last words of remote commands, spoken by this machine's own shells."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.system.processes import run_local
from harness.transports.remote_shell import FramedCommand

# csh, tcsh and fish are no POSIX shells.
LOGIN_SHELLS = ["sh", "bash", "dash", "mksh", "zsh", "csh", "tcsh", "fish"]
SHELLS = [
    shell for shell in (["sh"], ["bash"], ["dash"], ["busybox", "sh"], ["mksh"]) if shutil.which(shell[0])
]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_words_frame_the_command_and_leave_its_streams_alone(shell: list[str]) -> None:
    command = FramedCommand.of(["sh", "-c", "echo out; printf err >&2; exit 42"])
    said = run_local([*shell, "-c", command.line], timeout_s=10)
    completed = command.completed(said.stdout, said.stderr)
    assert completed is not None
    assert (completed.exit_code, completed.stdout, completed.stderr) == (42, b"out\n", b"err")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("argv", [["exit", "7"], ["sh", "-c", "exit 7"]])
def test_no_command_takes_the_last_word(shell: list[str], argv: list[str]) -> None:
    command = FramedCommand.of(argv)
    said = run_local([*shell, "-c", command.line], timeout_s=10)
    completed = command.completed(said.stdout, said.stderr)
    assert completed is not None
    assert completed.exit_code == 7


def test_without_the_last_word_nothing_is_believed() -> None:
    command = FramedCommand.of(["true"])
    said = run_local(["sh", "-c", command.line.rpartition("; printf")[0]], timeout_s=10)
    assert command.completed(said.stdout, said.stderr) is None
    assert not command.ended_on(said.stderr)
    assert command.process_group(said.stderr) is not None


def test_the_first_word_is_the_process_group() -> None:
    command = FramedCommand.of(["sh", "-c", 'ps -o pgid= -p "$$" || cut -d" " -f5 /proc/self/stat'])
    said = run_local(["sh", "-c", command.line], timeout_s=10)
    completed = command.completed(said.stdout, said.stderr)
    assert completed
    assert command.process_group(said.stderr) == completed.text.strip()


def test_a_command_cannot_guess_the_token() -> None:
    assert FramedCommand.of(["true"]).token != FramedCommand.of(["true"]).token


@given(before=st.binary(max_size=50), inside=st.binary(max_size=50), after=st.binary(max_size=50))
def test_stderr_is_freed_of_the_words_wherever_they_stand(before: bytes, inside: bytes, after: bytes) -> None:
    command = FramedCommand(("true",), "harness-0123456789abcdef")
    token = command.token.encode()
    said = before + token + b":77;" + inside + token + b":3;" + after
    completed = command.completed(token + b";", said)
    assert completed is not None
    assert command.ended_on(said)
    assert (completed.exit_code, completed.stderr) == (3, before + inside + after)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4))
def test_no_argument_reaches_a_shell_unquoted(arguments: list[str]) -> None:
    command = FramedCommand.of(["printf", r"%s\0", "-", *arguments])
    said = run_local(["sh", "-c", command.shell_line], timeout_s=10)
    expected = b"".join(text.encode() + b"\0" for text in ("-", *arguments))
    completed = command.completed(b"Welcome\n" + said.stdout, said.stderr)
    assert completed
    assert completed.stdout == expected


HARD = (
    "a\nb",
    "a\\\\b",
    "a\\'b",
    "it's",
    "$HOME",
    "!x",
    "a!!",
    "%d",
    "é",
    "`x`",
    "~",
    "*",
    '"',
    "{a,b}",
    "\1",
    "x\n",
)


@pytest.mark.parametrize("shell", [shell for shell in LOGIN_SHELLS if shutil.which(shell)])
def test_any_login_shell_passes_a_command_on_unchanged(shell: str) -> None:
    command = FramedCommand.of(["printf", "%s|", *HARD])
    said = run_local([shell, "-c", f"exec {command.shell_line}"], timeout_s=10)
    completed = command.completed(said.stdout, said.stderr)
    assert completed, said.stderr
    assert completed.stdout == "".join(f"{word}|" for word in HARD).encode()


def test_a_login_shell_gets_nothing_that_csh_or_fish_read_in_quotes() -> None:
    line = FramedCommand.of(["printf", "%s|", *HARD]).shell_line
    assert line.startswith('sh -c \'eval "$(printf %b "')
    quoted = line.removeprefix("sh -c '").removesuffix("'")
    assert quoted.isascii()
    assert quoted.isprintable()
    assert not re.search(r"['!]|\\(?!0[0-7]{3}|[n\"$])", quoted)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("greeting", ["echo Welcome", "printf 'no newline'", "printf '\\0\\377'", "true"])
def test_what_a_shell_prints_first_is_not_the_commands(shell: list[str], greeting: str) -> None:
    command = FramedCommand.of(["printf", "answer"])
    said = run_local([*shell, "-c", f"{greeting}; {command.line}"], timeout_s=10)
    completed = command.completed(said.stdout, said.stderr)
    assert completed is not None
    assert completed.stdout == b"answer"


def test_without_the_token_on_stdout_nothing_is_believed() -> None:
    command = FramedCommand.of(["true"])
    said = run_local(["sh", "-c", command.line], timeout_s=10)
    assert command.completed(b"", said.stderr) is None


def test_a_greeting_before_a_long_output_in_a_file_is_dropped(tmp_path: Path) -> None:
    command = FramedCommand(("true",), "harness-0123456789abcdef")
    content = bytes(range(256)) * 9_000
    (tmp_path / "out").write_bytes(b"Welcome\n" + command.token.encode() + b";" + content)
    assert command.completed(command.drop_greeting(tmp_path / "out"), b"") is None
    assert (tmp_path / "out").read_bytes() == content
    (tmp_path / "out").write_bytes(b"Welcome\n")
    assert command.drop_greeting(tmp_path / "out") == b""
