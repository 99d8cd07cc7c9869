"""What a script of the ARM machine complains of reaches the user as an error and its hint."""

from pathlib import Path

import pytest

from harness.devices.emulator import debian
from harness.errors import BundleError


def test_a_failed_script_becomes_an_error_with_its_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "build.py").write_text(
        "import sys\nprint('fetching')\nsys.exit('missing: mke2fs\\n  hint: apt-get install e2fsprogs')\n"
    )
    monkeypatch.setattr(debian, "SCRIPTS", scripts)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    lines: list[str] = []
    with pytest.raises(BundleError) as caught:
        debian.ensure_entry("machine", "build.py", lines.append)
    assert (caught.value.what, caught.value.hint) == ("missing: mke2fs", "apt-get install e2fsprogs")
    assert lines == ["fetching"]
