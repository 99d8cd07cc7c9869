"""Which devices a host offers, and under which names."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.lab.offers import offered_devices


def test_a_device_is_offered_under_its_own_or_another_name() -> None:
    offered = offered_devices(["left=ssh:pi@192.0.2.1", "ssh:pi@192.0.2.2"])
    assert [(one.name, one.address) for one in offered] == [
        ("left", "pi@192.0.2.1"),
        ("ssh:pi@192.0.2.2", "pi@192.0.2.2"),
    ]


def test_configured_devices_are_offered_with_their_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no adb
    (tmp_path / "devices.toml").write_text(
        "[devices.kitchen]\nkind = 'linux_board'\naddress = 'pi@192.0.2.1'\ntags = ['board']\n"
    )
    assert [(one.name, one.tags) for one in offered_devices([])] == [("kitchen", ("board",))]


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["a=ssh:pi@192.0.2.1", "a=ssh:pi@192.0.2.2"], "two devices would have the name a"),
        (["a b=ssh:pi@192.0.2.1"], "'a b' in --device a b=ssh:pi@192.0.2.1 is not a name"),
        (["-a=ssh:pi@192.0.2.1"], "is not a name"),
        (["=ssh:pi@192.0.2.1"], "is not a name"),
    ],
    ids=lambda value: str(value),
)
def test_names_that_are_given_twice_or_malformed_are_refused(texts: list[str], what: str) -> None:
    with pytest.raises(UsageError, match=what.replace("(", r"\(")) as caught:
        offered_devices(texts)
    assert caught.value.hint
