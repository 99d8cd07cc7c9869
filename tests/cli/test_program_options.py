"""`--program` and its options on the command line: conflicts are refused before anything is touched."""

from pathlib import Path

import pytest

from harness.cli.program_options import (
    OF_THE_NETWORK,
    check_programs,
    parse_inputs,
    parse_methods,
    parse_programs,
)
from harness.errors import UsageError


@pytest.mark.parametrize("option", OF_THE_NETWORK)
def test_what_is_of_the_built_in_network_conflicts_with_a_program(option: str) -> None:
    with pytest.raises(UsageError, match=f"--program measures a file as it is; {option} is of the built-in"):
        check_programs(("--device", "--program", option))


@pytest.mark.parametrize("option", ["--method", "--input"])
def test_the_options_of_programs_need_one(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} needs --program"):
        check_programs(("--width", option))


def test_other_options_go_with_a_program() -> None:
    check_programs(
        ("--program", "--method", "--input", "--threads", "--sustain", "--against", "--max-latency")
    )
    check_programs(("--width",))


def test_programs_are_absolute_and_each_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.pte").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert parse_programs(["net.pte,net.pte", str(tmp_path / "net.pte")]) == (str(tmp_path / "net.pte"),)
    with pytest.raises(UsageError, match=r"no program none.pte"):
        parse_programs(["none.pte"])
    with pytest.raises(UsageError, match="is not a regular file"):
        parse_programs([str(tmp_path)])


def test_a_file_of_arrays_feeds_as_many_inputs_as_it_is_named_for(tmp_path: Path) -> None:
    one, two = (tmp_path / f"{name}.npy" for name in "ab")
    for file in (one, two):
        file.touch()
    assert parse_inputs([f"{one},{one}", str(two)]) == (str(one), str(one), str(two))


def test_a_method_is_an_identifier() -> None:
    assert parse_methods("forward, encode,forward") == ("forward", "encode")
    for text in ("a-b", "", "x" * 65, "ü"):
        with pytest.raises(UsageError, match="is not a name of a method"):
            parse_methods(text)


def test_several_options_of_the_network_are_named_together() -> None:
    with pytest.raises(
        UsageError, match=r"--(search|min-accuracy), --(search|min-accuracy) are of the built"
    ):
        check_programs(("--program", "--search", "--min-accuracy"))
