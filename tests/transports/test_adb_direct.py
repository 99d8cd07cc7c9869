"""ADB without Google's adb: what peers that are no good devices do, and adbd's own answers to keys."""

import re
import socket
import stat
import struct
import threading
from pathlib import Path

import pytest
from adb_peer import Behaviour, answer, ask_for_keys, peer, receive, speak_adb, wait_for_the_end
from adb_shell import constants
from device_bench import Bench

from harness.errors import ConnectionLost, DeviceUnfit, TimedOut, TransportError
from harness.transports import adb_direct
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.adb_keys import make_key
from harness.transports.adb_services import ShellOutput
from harness.transports.tcp_link import TcpLink


def greet(banner: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        receive(connection)
        answer(connection, constants.CNXN, 0x01000001, 1 << 20, banner)
        wait_for_the_end(connection)

    return behave


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "adbkey"
    make_key(path)
    return path


def run_against(behave: Behaviour, key: Path) -> None:
    with peer(behave) as port:
        transport = AdbDirectTransport(
            TcpLink("127.0.0.1", port), key=key, connect_timeout_s=0.5, auth_timeout_s=0.5
        )
        try:
            transport.run(["true"], timeout_s=0.5)
        finally:
            transport.close()


def test_nobody_listening_is_told(closed_port: int, key: Path) -> None:
    with pytest.raises(ConnectionLost, match="cannot connect: Connection refused") as caught:
        AdbDirectTransport(TcpLink("127.0.0.1", closed_port), key=key).run(["true"], timeout_s=5)
    assert "adb tcpip 5555" in caught.value.hint


def test_no_answer_is_a_timeout_of_its_own(key: Path) -> None:
    with pytest.raises(TimedOut, match="does not answer as an ADB device"):
        run_against(wait_for_the_end, key)


def speak_http(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    wait_for_the_end(connection)


def test_another_protocol_is_told(key: Path) -> None:
    with pytest.raises(TransportError, match=r"does not speak ADB \(packet b'HTTP'\)"):
        run_against(speak_http, key)


def test_wireless_debugging_that_wants_pairing_is_told(key: Path) -> None:
    def want_tls(connection: socket.socket) -> None:
        command = struct.unpack("<I", b"STLS")[0]
        connection.sendall(struct.pack("<6I", command, 0x01000000, 0, 0, 0, command ^ 0xFFFFFFFF))
        wait_for_the_end(connection)

    with pytest.raises(DeviceUnfit, match="requires pairing") as caught:
        run_against(want_tls, key)
    assert "adb pair" in caught.value.hint


def test_a_key_that_nobody_accepts_is_told(key: Path) -> None:
    offered: list[bytes] = []

    def ignore(connection: socket.socket) -> None:
        offered.append(ask_for_keys(connection))
        wait_for_the_end(connection)

    with pytest.raises(DeviceUnfit, match=r"this computer's key was not accepted on the device within 0.5 s"):
        run_against(ignore, key)
    assert offered[0].rstrip(b"\0") == key.with_name("adbkey.pub").read_bytes().rstrip()


def test_a_key_that_is_refused_is_told(key: Path) -> None:
    with pytest.raises(DeviceUnfit, match="the device refused this computer's key"):
        run_against(ask_for_keys, key)


@pytest.mark.parametrize("size", [0, 1, 19, 21, 4096])
def test_a_token_of_a_wrong_length_is_not_signed(key: Path, size: int) -> None:
    def ask(connection: socket.socket) -> None:
        receive(connection)
        answer(connection, constants.AUTH, constants.AUTH_TOKEN, 0, bytes(size))
        wait_for_the_end(connection)

    with pytest.raises(TransportError, match=f"asked for a signature of {size} bytes; ADB signs 20"):
        run_against(ask, key)


def test_a_device_without_shell_v2_is_told(key: Path) -> None:
    with pytest.raises(DeviceUnfit, match="does not report exit codes") as caught:
        run_against(greet(b"device::ro.product.name=old;features=cmd\0"), key)
    assert "Android 7" in caught.value.hint


def test_a_device_that_closes_in_the_middle_is_lost_at_once(key: Path) -> None:
    def close_after_opening(connection: socket.socket) -> None:
        receive(connection)
        answer(connection, constants.CNXN, 0x01000001, 1 << 20, b"device::features=shell_v2\0")
        receive(connection)
        answer(connection, constants.OKAY, 7, 1, b"")

    with peer(close_after_opening) as port:
        transport = AdbDirectTransport(TcpLink("127.0.0.1", port), key=key)
        with pytest.raises(ConnectionLost, match="the connection to the device broke"):
            transport.run(["true"], timeout_s=3600)


def test_a_service_that_is_refused_is_told(key: Path) -> None:
    def refuse_services(connection: socket.socket) -> None:
        receive(connection)
        answer(connection, constants.CNXN, 0x01000001, 1 << 20, b"device::features=shell_v2\0")
        receive(connection)
        answer(connection, constants.CLSE, 0, 1, b"")
        wait_for_the_end(connection)

    with pytest.raises(TransportError, match="refuses the service shell,v2,raw"):
        run_against(refuse_services, key)


def test_a_packet_too_large_to_be_one_is_refused(key: Path) -> None:
    def send_a_gigabyte(connection: socket.socket) -> None:
        receive(connection)
        command = constants.ID_TO_WIRE[constants.CNXN]
        connection.sendall(struct.pack("<6I", command, 0x01000001, 1 << 20, 1 << 30, 0, command ^ 0xFFFFFFFF))
        wait_for_the_end(connection)

    with pytest.raises(TransportError, match="does not speak ADB"):
        run_against(send_a_gigabyte, key)


def end_command(connection: socket.socket) -> None:
    """Answer one command with its words alone, exit code 0."""
    _, service = receive(connection)
    token = re.search(rb"harness-[0-9a-f]{16}", service)
    assert token
    words = token[0] + b":1;" + token[0] + b":0;"
    printed = b"Welcome\n" + token[0] + b";"
    answer(connection, constants.OKAY, 7, 1, b"")
    for kind, body in ((ShellOutput.STDOUT, printed), (ShellOutput.STDERR, words)):
        answer(connection, constants.WRTE, 7, 1, ShellOutput.HEADER.pack(kind, len(body)) + body)
    answer(connection, constants.CLSE, 7, 1, b"")


def test_what_the_devices_shell_prints_before_a_command_is_not_the_commands(key: Path) -> None:
    def greet_and_answer(connection: socket.socket) -> None:
        speak_adb(connection)
        end_command(connection)
        wait_for_the_end(connection)

    with peer(greet_and_answer) as port:
        transport = AdbDirectTransport(TcpLink("127.0.0.1", port), key=key)
        assert transport.run(["true"], timeout_s=10).stdout == b""
        transport.close()


def test_garbage_on_a_connection_that_spoke_adb_is_a_lost_one(key: Path) -> None:
    def garble_later(connection: socket.socket) -> None:
        speak_adb(connection)
        receive(connection)
        connection.sendall(bytes(range(48)))
        wait_for_the_end(connection)

    with pytest.raises(ConnectionLost, match="packets from the device arrive damaged"):
        run_against(garble_later, key)


@pytest.mark.parametrize("damage", ["stream", "magic"])
def test_a_packet_damaged_in_its_header_is_noticed_at_once(key: Path, damage: str) -> None:
    def damage_the_answer(connection: socket.socket) -> None:
        speak_adb(connection)
        receive(connection)
        stream, magic = (1 << 20, 0) if damage == "stream" else (1, 1)
        command = constants.ID_TO_WIRE[constants.OKAY]
        connection.sendall(struct.pack("<6I", command, 7, stream, 0, 0, command ^ 0xFFFFFFFF ^ magic))
        wait_for_the_end(connection)

    with pytest.raises(ConnectionLost, match="packets from the device arrive damaged"):
        run_against(damage_the_answer, key)


def test_a_file_that_goes_no_further_is_not_waited_for(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the packet was damaged on its way there, so that the device never answers it."""
    monkeypatch.setattr(adb_direct, "STALLED_S", 0.2)

    def take_the_service_only(connection: socket.socket) -> None:
        speak_adb(connection)
        receive(connection)
        answer(connection, constants.OKAY, 7, 1, b"")
        wait_for_the_end(connection)

    source = tmp_path / "source"
    source.write_bytes(b"model")
    with peer(take_the_service_only) as port:
        transport = AdbDirectTransport(TcpLink("127.0.0.1", port), key=key)
        with pytest.raises(TimedOut):
            transport.push(source, "/anywhere", timeout_s=300)
        transport.close()


@pytest.mark.parametrize("then", [speak_http, ask_for_keys])
def test_what_is_wrong_with_a_device_that_once_worked_passes(key: Path, then: Behaviour) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                speak_adb(connection)
                end_command(connection)
                wait_for_the_end(connection)
            with listener.accept()[0] as connection:
                then(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        transport = AdbDirectTransport(TcpLink("127.0.0.1", listener.getsockname()[1]), key=key)
        transport.run(["true"], timeout_s=10).check()
        transport.close()
        with pytest.raises(ConnectionLost, match=r"does not speak ADB|refused this computer's key"):
            transport.run(["true"], timeout_s=10)
        thread.join()


# adbd itself --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.device
def test_adbd_accepts_its_key(bench: Bench) -> None:
    transport = bench.connect("adb-direct")
    assert transport.run(["echo", "in"], timeout_s=30).stdout == b"in\n"
    transport.close()


@pytest.mark.slow
@pytest.mark.device
def test_adbd_does_not_accept_a_key_made_just_now(bench: Bench, tmp_path: Path) -> None:
    key = tmp_path / "new" / "adbkey"
    transport = AdbDirectTransport(TcpLink("127.0.0.1", bench.machine.adb_port), key=key, auth_timeout_s=1)
    with pytest.raises(DeviceUnfit, match="this computer's key was not accepted"):
        transport.run(["true"], timeout_s=30)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.with_name("adbkey.pub").exists()


@pytest.mark.slow
@pytest.mark.device
def test_the_right_key_among_others_is_found(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDROID_USER_HOME", str(tmp_path))
    monkeypatch.setenv("ADB_VENDOR_KEYS", str(bench.machine.adb_key))
    transport = AdbDirectTransport(TcpLink("127.0.0.1", bench.machine.adb_port))
    assert transport.run(["echo", "in"], timeout_s=30).stdout == b"in\n"
    transport.close()
    assert (tmp_path / "adbkey").exists()
