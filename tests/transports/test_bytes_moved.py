"""How much goes over the wire when a device has everything already."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from device_bench import REMOTE, Bench
from shaped_proxy import ShapedProxy

from harness.bundle import ensure_bundle
from harness.devices.device import Device, describe
from harness.lowering.cache import StoredArtifact
from harness.measuring.deploy import deploy_artifact, deploy_bundle
from harness.transports.base import Transport
from record_builders import make_artifact

MODELS = 16
MOST_BYTES = 64 * 1024
FOLDER = "/tmp/unchanged"


def store_model(folder: Path, number: int) -> StoredArtifact:
    """A file in the place of a program, and one in that of its reference input."""
    program, reference_input = folder / f"{number}.pte", folder / f"{number}.bin"
    rng = random.Random(number)
    program.write_bytes(rng.randbytes(20_000))
    reference_input.write_bytes(rng.randbytes(5_000))
    artifact = make_artifact(
        sha256=hashlib.sha256(program.read_bytes()).hexdigest(),
        reference_input_sha256=hashlib.sha256(reference_input.read_bytes()).hexdigest(),
    )
    return StoredArtifact(artifact, program, reference_input, folder / "unused", True)


def deploy(transport: Transport, models: list[StoredArtifact]) -> list[str]:
    """All that happens before the first measurement; what was told of it."""
    told: list[str] = []
    info, free_bytes = describe(transport, name="arm-vm", kind="arm_vm", folder=FOLDER)
    device = Device(info, transport, FOLDER, lambda: transport, free_bytes=free_bytes)
    deploy_bundle(device, ensure_bundle("arm64-v8a"), told.append)
    for model in models:
        deploy_artifact(device, model, told.append)
    return told


@pytest.fixture(scope="module")
def models(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[StoredArtifact]]:
    """Sixteen models, all of them on the device together with the bundle."""
    folder = tmp_path_factory.mktemp("models")
    stored = [store_model(folder, number) for number in range(MODELS)]
    transport = bench.connect("adb-direct")
    # Everybody's, because adb and ssh are different users there.
    transport.run(["mkdir", "-m", "777", FOLDER], timeout_s=30).check()
    assert len(deploy(transport, stored)) == 1 + MODELS
    yield stored
    transport.run(["rm", "-r", FOLDER], timeout_s=60)
    transport.close()


@pytest.mark.slow
@pytest.mark.device
@pytest.mark.parametrize("kind", REMOTE)
def test_an_unchanged_bundle_and_sixteen_models_move_under_64_kib(
    bench: Bench, kind: str, models: list[StoredArtifact]
) -> None:
    with ShapedProxy(bench.port(kind)) as proxy:
        transport = bench.connect(kind, proxy.port)
        assert deploy(transport, models) == []
        transport.close()
        print(f"{kind}: {proxy.forwarded_bytes} bytes moved")
        assert 0 < proxy.forwarded_bytes < MOST_BYTES
