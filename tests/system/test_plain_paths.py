"""Paths for programs that give characters of a path a meaning."""

import tempfile
from pathlib import Path

import pytest

from harness.system.plain_paths import is_plain, plain_paths, plain_temporary_folder


@pytest.mark.parametrize("character", [*" ,;:%$#&*?!~^=|<>()[]{}'`\"\\\n", "\u00e9"])
def test_a_path_with_a_special_character_is_replaced_by_a_link_to_the_same_place(
    tmp_path: Path, character: str
) -> None:
    place = tmp_path / f"a{character}b"
    place.mkdir()
    with plain_paths(place, tmp_path) as (link, other):
        assert is_plain(link)
        assert is_plain(other)
        (link / "written").touch()
        assert link.parent.stat().st_mode & 0o777 == 0o700
    assert (place / "written").exists()
    assert not link.parent.exists()


def test_plain_paths_stay_as_they_are(tmp_path: Path) -> None:
    plain = Path("/usr/lib/python3.11/site-packages/a_b-c+d@1")
    with plain_paths(plain) as paths:
        assert paths == (plain,)


def test_a_temporary_folder_that_is_not_plain_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a b"))
    assert plain_temporary_folder() == "/tmp"
