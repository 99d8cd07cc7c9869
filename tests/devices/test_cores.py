"""Which cores of a device form clusters, and what `--cores` stands for there."""

import pytest
from msgspec.structs import replace

from harness.analysis.clusters import find_clusters
from harness.devices.cores import choose_cores, unreadable_of_cores
from harness.errors import DeviceUnfit
from harness.records import Core
from harness.system.cpu_list import format_cpu_list


def cores(*kinds: tuple[int, str | None, int | None, int | None]) -> tuple[Core, ...]:
    """Cores in the order of their numbers: how many, name, MHz, capacity."""
    each = [kind for kind in kinds for _ in range(kind[0])]
    return tuple(
        Core(index=index, name=name, max_frequency_khz=mhz and mhz * 1000, capacity=capacity)
        for index, (_, name, mhz, capacity) in enumerate(each)
    )


# Public facts.
PIXEL_6 = cores((4, "Cortex-A55", 1803, 124), (2, "Cortex-A78", 2253, 427), (2, "Cortex-X1", 2802, 1024))
SNAPDRAGON_865 = cores(
    (4, "Cortex-A55", 1804, None), (3, "Cortex-A77", 2419, None), (1, "Cortex-A77", 2841, None)
)
SNAPDRAGON_845 = cores((4, "Kryo 3xx Silver", None, None), (4, "Kryo 3xx Gold", None, None))
SNAPDRAGON_8_GEN_3 = cores(
    (2, "Cortex-A520", 2265, 350),
    (3, "Cortex-A720", 3148, 870),
    (2, "Cortex-A720", 2956, 820),
    (1, "Cortex-X4", 3302, 1024),
)
PI_5 = cores((4, "Cortex-A76", 2400, None))


@pytest.mark.parametrize(
    ("device", "clusters"),
    [
        (PIXEL_6, {"little": "0-3", "big": "4-5", "prime": "6-7", "all": "0-7"}),
        (SNAPDRAGON_865, {"little": "0-3", "big": "4-6", "prime": "7", "all": "0-7"}),
        (SNAPDRAGON_845, {"little": "0-3", "big": "4-7", "all": "0-7"}),
        (SNAPDRAGON_8_GEN_3, {"little": "0-1", "big": "2-6", "prime": "7", "all": "0-7"}),
        (PI_5, {"all": "0-3"}),
        ((), {"all": ""}),
    ],
    ids=["Pixel 6", "Snapdragon 865", "Snapdragon 845", "Snapdragon 8 Gen 3", "Pi 5", "unknown"],
)
def test_clusters(device: tuple[Core, ...], clusters: dict[str, str]) -> None:
    assert {name: format_cpu_list(found) for name, found in find_clusters(device).items()} == clusters


def test_a_little_core_with_a_higher_clock_stays_little() -> None:
    device = cores((2, "Cortex-A73", 1400, None), (4, "Cortex-A53", 1800, None))
    assert find_clusters(device)["little"] == (2, 3, 4, 5)


@pytest.mark.parametrize("missing", ["capacity", "max_frequency_khz"])
def test_a_figure_that_one_core_lacks_makes_no_cluster(missing: str) -> None:
    whole = cores((4, "Cortex-A55", 1803, 124), (4, "Cortex-A78", 2253, 1024))
    odd = (*whole[:7], replace(whole[7], **{missing: None}))
    assert find_clusters(odd) == find_clusters(whole)


def test_cores_without_a_figure_are_named_with_it() -> None:
    found = cores((2, "Cortex-A55", 1803, 124), (1, None, None, None))
    assert unreadable_of_cores(found) == {
        "core names": "of cores 2",
        "maximum frequencies": "of cores 2",
        "capacities": "of cores 2",
    }
    assert unreadable_of_cores(PI_5) == {}
    assert unreadable_of_cores(()) == {"cores": "the kernel lists none"}


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("big", (4, 5)), ("prime", (6, 7)), ("0-1,7", (0, 1, 7)), ("all", tuple(range(8)))]
)
def test_a_name_or_a_list_chooses_cores(wanted: str, chosen: tuple[int, ...]) -> None:
    assert choose_cores(PIXEL_6, wanted) == chosen


@pytest.mark.parametrize(
    ("device", "wanted", "says"),
    [
        (PI_5, "big", r"no big cores\n.*choose --cores from: all \(0-3\)"),
        (SNAPDRAGON_845, "prime", "no prime cores"),
        (PIXEL_6, "6-9", "core 8 does not exist or is offline"),
        ((), "all", "the device's cores are unknown"),
    ],
)
def test_cores_that_are_not_there_are_refused_with_those_that_are(
    device: tuple[Core, ...], wanted: str, says: str
) -> None:
    with pytest.raises(DeviceUnfit, match=f"(?s){says}"):
        choose_cores(device, wanted)
