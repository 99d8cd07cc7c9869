import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.system.folder_lock import only_writer


def test_a_second_writer_of_a_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    with only_writer(tmp_path):
        with (
            pytest.raises(UsageError, match="another harness process is writing to the run folder") as caught,
            only_writer(tmp_path),
        ):
            pass
        assert "another --out" in caught.value.hint
    with only_writer(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_writer_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from harness.system.folder_lock import only_writer\n"
        "with only_writer(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, tmp_path], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError), only_writer(tmp_path):
            pass
        holder.kill()
    with only_writer(tmp_path):
        pass


def test_a_folder_that_is_gone_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot open the run folder"), only_writer(tmp_path / "gone"):
        pass
