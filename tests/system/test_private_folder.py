"""Nothing is read from a cache that another user could have written."""

import os
import pwd
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.system.private_folder import check_private
from harness_command import HarnessCommand

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    entry = folder / "bundles" / "arm64-v8a-1"
    entry.mkdir(parents=True)
    (entry / "runner").touch(mode=0o755)
    return folder


def test_a_cache_of_this_user_is_fine_and_so_is_one_that_does_not_exist_yet(cache: Path) -> None:
    check_private(cache)
    check_private(cache / "none")
    (cache / "gone").symlink_to("nowhere")
    check_private(cache)


@pytest.mark.parametrize("place", [".", "bundles", "bundles/arm64-v8a-1", "bundles/arm64-v8a-1/runner"])
def test_what_everybody_or_a_group_may_write_is_refused_with_what_to_do(cache: Path, place: str) -> None:
    (cache / place).chmod(0o777)
    with pytest.raises(UsageError, match="may be written by every user") as caught:
        check_private(cache)
    assert f"chmod -R go-w {cache}" in caught.value.hint
    assert "HARNESS_CACHE" in caught.value.hint


@needs_root
@pytest.mark.parametrize("place", [".", "bundles", "bundles/arm64-v8a-1", "bundles/arm64-v8a-1/runner"])
def test_what_another_user_owns_or_a_foreign_group_may_write_is_refused(cache: Path, place: str) -> None:
    os.chown(cache / place, NOBODY, -1)
    with pytest.raises(UsageError, match="belongs to nobody"):
        check_private(cache)
    os.chown(cache / place, os.getuid(), pwd.getpwnam("nobody").pw_gid)
    (cache / place).chmod(0o775)
    with pytest.raises(UsageError, match="may be written by the group"):
        check_private(cache)


def test_a_group_of_this_user_alone_may_write(cache: Path) -> None:
    user = pwd.getpwuid(os.geteuid())
    os.chown(cache / "bundles", -1, user.pw_gid)
    (cache / "bundles").chmod(0o775)
    check_private(cache)


def test_a_parent_in_which_everybody_may_rename_is_refused_unless_it_is_sticky(cache: Path) -> None:
    cache.parent.chmod(0o777)
    with pytest.raises(UsageError, match="may be written by every user") as caught:
        check_private(cache)
    assert caught.value.hint == "set HARNESS_CACHE to a folder in your home folder"
    cache.parent.chmod(0o1777)
    check_private(cache)


def test_the_parents_of_a_linked_caches_target_are_checked_too(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    cache.rename(tmp_path / "open" / "cache")
    cache.symlink_to("open/cache")
    check_private(cache)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UsageError, match="open may be written by every user"):
        check_private(cache)


@needs_root
def test_a_parent_of_another_user_is_refused(cache: Path) -> None:
    os.chown(cache.parent, NOBODY, -1)
    with pytest.raises(UsageError, match="belongs to nobody, who could replace the cache in it"):
        check_private(cache)


@pytest.mark.parametrize("command", [("run", "-d", "host"), ("lower",)], ids=" ".join)
def test_a_command_ends_with_exit_code_2_before_it_reads_the_cache(
    command: tuple[str, ...], cache: Path, run_harness: HarnessCommand
) -> None:
    (cache / "bundles").chmod(0o777)
    ended = run_harness(
        *(*command, "-w", "0.25", "-r", "32", "--out", "run", "--json"),
        env={**os.environ, "HARNESS_CACHE": str(cache)},
    )
    assert ended.exit_code == 2, ended.stderr
    assert "may be written by every user" in ended.document["error"]["what"]
    assert [path.name for path in (cache / "bundles").iterdir()] == ["arm64-v8a-1"]
