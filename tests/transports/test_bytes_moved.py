"""How much goes over the wire when a device has everything already."""

import hashlib
import random
from pathlib import Path

import pytest
from device_bench import REMOTE, Bench
from shaped_proxy import ShapedProxy

from builders import make_artifact
from harness.devices.device import Device, describe
from harness.lowering.artifact_store import StoredArtifact
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_artifact, deploy_bundle
from harness.transports.base import Transport

MODELS = 16
MOST_BYTES = 64 * 1024


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


def deploy(transport: Transport, folder: str, models: list[StoredArtifact]) -> list[str]:
    """All that happens before the first measurement; what was told of it."""
    answer: list[str] = []
    info, free_bytes = describe(transport, name="arm-vm", kind="arm_vm", folder=folder)
    device = Device(info, transport, folder, lambda: transport, free_bytes=free_bytes)
    deploy_bundle(device, ensure_bundle("arm64-v8a"), answer.append)
    for model in models:
        deploy_artifact(device, model, answer.append)
    return answer


@pytest.fixture(scope="module")
def models(
    bench: Bench, bundle_folder: str, tmp_path_factory: pytest.TempPathFactory
) -> list[StoredArtifact]:
    """Sixteen models, all of them on the device beside the bundle."""
    folder = tmp_path_factory.mktemp("models")
    stored = [store_model(folder, number) for number in range(MODELS)]
    transport = bench.connect("adb-direct")
    assert len(deploy(transport, bundle_folder, stored)) == MODELS
    transport.close()
    return stored


@pytest.mark.slow
@pytest.mark.device
@pytest.mark.parametrize("kind", REMOTE)
def test_an_unchanged_bundle_and_sixteen_models_move_under_64_kib(
    bench: Bench, kind: str, bundle_folder: str, models: list[StoredArtifact]
) -> None:
    with ShapedProxy(bench.port(kind)) as proxy:
        transport = bench.connect(kind, proxy.port)
        assert deploy(transport, bundle_folder, models) == []
        transport.close()
        print(f"{kind}: {proxy.forwarded_bytes} bytes moved")
        assert 0 < proxy.forwarded_bytes < MOST_BYTES
