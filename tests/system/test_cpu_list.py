import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.system.cpu_list import format_cpu_list, parse_cpu_list


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("0-3,6", (0, 1, 2, 3, 6)),
        ("0-3,5", (0, 1, 2, 3, 5)),
        ("0", (0,)),
        ("7\n", (7,)),
        (" 0-1, 3 ", (0, 1, 3)),
        ("6,0-1", (6, 0, 1)),
        ("1,1", (1,)),
        ("4095", (4095,)),
        ("", None),
        ("3-1", None),
        ("-1", None),
        ("1,", None),
        ("1-", None),
        ("a", None),
        ("4096", None),
        ("0-99999999", None),
        ("9" * 10_000, None),
    ],
    ids=str,
)
def test_a_list_of_cpus_is_read_as_the_kernel_writes_it(text: str, indices: tuple[int, ...] | None) -> None:
    assert parse_cpu_list(text) == indices


def test_indices_are_listed_as_the_kernel_does() -> None:
    assert format_cpu_list((6, 0, 1, 2, 3, 1)) == "0-3,6"
    assert format_cpu_list(()) == ""


@given(st.sets(st.integers(0, 300), min_size=1))
def test_a_formatted_list_reads_back(indices: set[int]) -> None:
    assert parse_cpu_list(format_cpu_list(indices)) == tuple(sorted(indices))
