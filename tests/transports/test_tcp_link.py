"""Addresses, and a peer that vanishes without a word, as behind a Wi-Fi: noticed long before any time-out."""

import shutil
import socket
import subprocess
import sys

import pytest

from harness.errors import DeviceUnfit
from harness.transports.tcp_link import TcpLink, parse_endpoint

# In a network of its own, whose loopback goes down with the connection open: no FIN, no RST, no ICMP.
VANISH = """
import socket, subprocess, sys
from harness.errors import ConnectionLost
from harness.transports.tcp_link import TcpLink

def loopback(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True, timeout=20)

loopback("up")
with socket.create_server(("127.0.0.1", 0)) as server:
    link = TcpLink("127.0.0.1", server.getsockname()[1])
    link.connect(5)
    peer, _ = server.accept()
    loopback("down")
    if sys.argv[1] == "sending":
        link.bulk_write(b"some bytes", 5)
    try:
        link.bulk_read(1, 60)
    except ConnectionLost as error:
        print(error.what)
"""


@pytest.mark.slow
def test_a_peer_that_vanished_is_a_lost_connection_whether_bytes_are_under_way_or_not() -> None:
    network = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("ip") is None or subprocess.run([*network, "true"], timeout=20).returncode != 0:
        pytest.skip("no network of its own can be had here")
    argv = [*network, sys.executable, "-c", VANISH]
    both = [
        subprocess.Popen([*argv, when], stdout=subprocess.PIPE, text=True) for when in ("idle", "sending")
    ]
    for process in both:
        answer, _ = process.communicate(timeout=90)
        assert answer.startswith("the connection to the device broke: Connection timed out")


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("phone", ("phone", 5555)),
        ("phone:41234", ("phone", 41234)),
        ("[::1]:41234", ("::1", 41234)),
        ("[::1]", ("::1", 5555)),
        ("[fe80::1%wlan0]:5555", ("fe80::1%wlan0", 5555)),
        ("adb-1A2B-x._adb-tls-connect._tcp", ("adb-1A2B-x._adb-tls-connect._tcp", 5555)),
    ],
)
def test_an_address_gives_a_host_and_a_port(address: str, endpoint: tuple[str, int]) -> None:
    assert parse_endpoint(address) == endpoint


@pytest.mark.parametrize("host", ["x" * 64, "a..b", ".a", "\udcff"])
def test_a_name_that_no_host_can_have_is_told(host: str) -> None:
    with pytest.raises(DeviceUnfit, match="no host can have this name"):
        TcpLink(host, 5555).connect(1)


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_ipv6_address_is_connected_to() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    with server:
        link = TcpLink(*parse_endpoint(f"[::1]:{server.getsockname()[1]}"))
        link.connect(5)
        assert link.name == f"[::1]:{server.getsockname()[1]}"
        link.close()
