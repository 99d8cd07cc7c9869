"""What docs/lab.md offers to copy: the unit and the containers."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from harness.cli.main import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lab.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def check(words: list[str]) -> None:
    """Parse a command line as `harness` does, and run nothing."""
    group: Any = get_command(app)
    while words and words[0] in getattr(group, "commands", {}):
        group, words = group.commands[words[0]], words[1:]
    group.make_context("harness", list(words))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not there")
def test_systemd_finds_nothing_wrong_in_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "harness-lab.service"
    unit.write_text(block("ini").replace("%h/mobilenet-harness/.venv/bin/harness", sys.executable))
    verified = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit)],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_unit_runs_a_command_that_stays() -> None:
    begun = re.search(r"^ExecStart=\S+ (.*)$", block("ini"), re.MULTILINE)
    assert begun
    check(shlex.split(begun[1]))
    assert "--foreground" in begun[1]


def test_the_containers_run_commands_that_stay_and_name_only_what_the_file_has() -> None:
    file = yaml.safe_load(block("yaml"))
    assert list(file["services"]) == ["desk", "shelf", "door"]
    for service in file["services"].values():
        words = shlex.split(service["command"])
        check(words)
        assert words[:2] in (["lab", "start"], ["lab", "join"])
        assert "--foreground" in words
        assert set(service["networks"]) <= file["networks"].keys()
        assert set(service["secrets"]) <= file["secrets"].keys()
        assert set(service.get("depends_on", ())) <= file["services"].keys()
        named = {volume.partition(":")[0] for volume in service["volumes"]}
        assert {name for name in named if not name.startswith(".")} <= file["volumes"].keys()
        assert service["environment"]["HARNESS_LAB_TOKEN"] == f"/run/secrets/{service['secrets'][0]}"
    assert file["networks"]["lab"]["internal"] is True
