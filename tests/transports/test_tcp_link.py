"""A peer that vanishes without a word, as behind a Wi-Fi that is gone: noticed long before any time-out."""

import shutil
import subprocess
import sys

import pytest

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
