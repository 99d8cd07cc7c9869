"""Odd folders for the cache work, or are refused before anything else is touched."""

import os
from pathlib import Path

import pytest

from harness.cli import last_door
from harness.cli.main import main
from harness.errors import UsageError
from harness.system.paths import cache_folder, check_cache

RUN = Path(__file__).parents[2] / "benchmarks" / "base"


@pytest.mark.parametrize("variable", ["HARNESS_CACHE", "XDG_CACHE_HOME"])
@pytest.mark.parametrize(
    "name", ["rel/deep", "with blank", "quo'te\"d", "per%cent", "back\\slash", "a,comma", "ü", "~", "$HOME"]
)
def test_a_cache_of_any_name_works(
    variable: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARNESS_CACHE", raising=False)
    # A relative XDG_CACHE_HOME is ignored, as its specification demands.
    monkeypatch.setenv(variable, name if variable == "HARNESS_CACHE" else str(tmp_path / name))
    check_cache()
    assert cache_folder().is_absolute()
    assert cache_folder().is_dir()
    assert cache_folder().is_relative_to(tmp_path / name)


@pytest.mark.parametrize("name", ["new\nline", "tab\t", "escape\x1b[2J"])
def test_a_cache_with_a_control_character_in_its_name_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / name))
    with pytest.raises(UsageError, match="has a line break or another control character in its name"):
        check_cache()
    assert list(tmp_path.iterdir()) == []


def _file(place: Path) -> None:
    place.touch()


def _below_a_file(place: Path) -> None:
    place.parent.rmdir()
    place.parent.touch()


def _dangling(place: Path) -> None:
    place.symlink_to("nowhere/deep")


def _loop(place: Path) -> None:
    place.symlink_to(place)


ODD = (_file, _below_a_file, _dangling, _loop)


@pytest.mark.parametrize("make", ODD)
def test_a_cache_that_cannot_be_a_folder_is_refused_with_what_to_do(
    make: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "parent").mkdir()
    assert callable(make)
    make(tmp_path / "parent" / "cache")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "parent" / "cache"))
    with pytest.raises(UsageError, match=r"the cache .*parent/cache cannot be used: ") as refused:
        check_cache()
    assert refused.value.hint == "set HARNESS_CACHE to a folder that can be written"


@pytest.mark.parametrize("name", ["/proc/x", "/dev/null/x", "/dev/full", "x" * 300])
def test_a_cache_where_nothing_can_be_written_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", name)
    with pytest.raises(UsageError, match="cannot be used"):
        check_cache()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_without_permission_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="cannot be used: Permission denied"):
        check_cache()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--device", "host", "--out", "OUT"),
        ("lower", "--out", "OUT"),
        ("evaluate", str(RUN), "--accuracy", "fashion-mnist"),
        ("bundle", "build"),
        ("bundle", "export", "OUT"),
        ("bundle", "import", "missing.tar.gz"),
    ],
    ids=" ".join,
)
def test_each_command_that_needs_the_cache_refuses_one_that_is_a_file(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    out = str(tmp_path / "out")
    monkeypatch.setattr("sys.argv", ["harness", *(out if word == "OUT" else word for word in words)])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr().err
    assert (ended.value.code, "file cannot be used: " in printed) == (2, True)
    assert "hint: set HARNESS_CACHE" in printed
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o077])
@pytest.mark.parametrize("own", [True, False])
def test_a_cache_that_was_made_under_any_umask_is_not_refused_later(
    mask: int, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.last_door.is_own_group", lambda gid: own)
    monkeypatch.setattr("harness.system.private_folder.is_own_group", lambda gid: own)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / f"cache-{mask}-{own}"))
    before = os.umask(mask)
    try:
        last_door.keep_others_from_writing()
        check_cache()
        (cache_folder() / "bundles").mkdir()
        (cache_folder() / "bundles" / "runner").touch()
    finally:
        os.umask(before)
    from harness.system.private_folder import check_private

    check_private(cache_folder())
    for path in (cache_folder(), *cache_folder().rglob("*")):
        assert path.stat().st_mode & (0o002 if own else 0o022) == 0
        assert mask != 0o077 or path.stat().st_mode & 0o077 == 0
