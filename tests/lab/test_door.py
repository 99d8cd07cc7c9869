"""Addresses, and what is asked there before Ray connects."""

import threading
import time

import pytest

from harness.errors import UsageError
from harness.lab.addresses import Address, check_own, find_own_address, parse_address
from lab_hosts import require_ray

require_ray()
from harness.lab.door import refuse_other_versions, within  # noqa: E402
from harness.lab.ray_library import Versions, own_versions  # noqa: E402

AT = Address("192.0.2.1", 6379)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.7.0.1", Address("10.7.0.1", 6379)),
        ("desk.example:7000", Address("desk.example", 7000)),
        ("localhost", Address("127.0.0.1", 6379)),
    ],
)
def test_an_address_is_a_host_with_or_without_a_port(text: str, address: Address) -> None:
    assert parse_address(text, "--lab") == address
    assert address.is_loopback == (address.host == "127.0.0.1")


@pytest.mark.parametrize(
    "text", ["", ":6379", "desk:", "desk:0", "desk:65536", "ray://desk", "-desk", "[::1]", "a b"]
)
def test_what_is_no_address_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--lab .* is not an address of a lab's head") as caught:
        parse_address(text, "--lab")
    assert "HOST:PORT" in caught.value.hint


def test_only_an_address_of_this_host_is_its_own() -> None:
    assert check_own("localhost", "--address") == "127.0.0.1"
    assert find_own_address(Address("127.0.0.1", 1)) == "127.0.0.1"
    for other in ("0.0.0.0", "127.0.0.2", "192.0.2.1"):
        with pytest.raises(UsageError, match=f"^--address {other} is "):
            check_own(other, "--address")


def test_ray_must_be_equal_and_python_but_for_its_last_part() -> None:
    own = own_versions()
    minor = own.python.rpartition(".")[0]
    refuse_other_versions(AT, Versions(own.ray, f"{minor}.99"))
    with pytest.raises(UsageError, match=f"has Ray 1.0.0, this host has {own.ray}"):
        refuse_other_versions(AT, Versions("1.0.0", own.python))
    with pytest.raises(UsageError, match=f"has Python 3.9.1, this host has {own.python}"):
        refuse_other_versions(AT, Versions(own.ray, "3.9.1"))


def test_what_is_late_is_given_up_and_what_fails_is_raised() -> None:
    assert within(5.0, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 // 0)
    goes_on = threading.Event()
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer for 0 s"):
        within(0.05, goes_on.wait)
    assert time.monotonic() - begun < 5.0
    goes_on.set()
