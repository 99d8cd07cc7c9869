"""The integer reference and ExecuTorch's runtime agree to the last bit, also where one rounding decides."""

from typing import TYPE_CHECKING, cast

import pytest
import torch
from torch import Tensor, nn

from harness.analysis.parity import compare
from harness.analysis.precisions import PRECISIONS
from harness.lowering import int8_reference
from harness.lowering.recipes import CalibrationData, Source, prepare
from harness.lowering.silence import quietly

if TYPE_CHECKING:
    from harness.lowering.recipes import PreparedNetwork

pytestmark = pytest.mark.slow

CHANNELS = 64
SEED = 1


def picture() -> Tensor:
    return torch.empty(1, 3, 32, 32).uniform_(-1, 1, generator=torch.Generator().manual_seed(SEED))


def quantize(network: nn.Module) -> "PreparedNetwork":
    with quietly(), torch.no_grad():
        data = CalibrationData(picture(), "minmax")
        return prepare(PRECISIONS["int8"].recipe, Source(network, network, picture(), data))


def bias_steps(prepared: "PreparedNetwork") -> Tensor:
    """One step of the bias for each channel, of the only convolution."""
    graph = cast(int8_reference.IntegerReference, prepared.eager).converted
    (node,) = graph.graph.find_nodes(op="call_function", target=torch.ops.aten.conv2d.default)
    images, weights, _ = node.args
    return cast(Tensor, getattr(graph, weights.args[1].target) * images.args[1])


@pytest.fixture(scope="module")
def prepared() -> "PreparedNetwork":
    """A convolution whose biases lie half a step from an integer, to the precision of float32."""
    generator = torch.Generator().manual_seed(SEED)
    convolution = nn.Conv2d(3, CHANNELS, 1)
    network = nn.Sequential(convolution, nn.ReLU6()).eval()
    with torch.no_grad():
        convolution.weight.uniform_(-1, 1, generator=generator)
        halves = torch.randint(-200, 200, (CHANNELS,), generator=generator) + 0.5
        cast(Tensor, convolution.bias).copy_(halves * bias_steps(quantize(network)))
    return quantize(network)


@pytest.fixture(scope="module")
def computed(prepared: "PreparedNetwork") -> Tensor:
    """What ExecuTorch's runtime returns."""
    with quietly():
        from executorch.runtime import Runtime

        from harness.lowering.program import partition

        program = partition(prepared).to_executorch().buffer
    method = Runtime.get().load_program(program).load_method("forward")
    assert method is not None
    return cast(Tensor, method.execute([picture()])[0])


def test_every_bit_is_right_though_every_bias_is_near_a_tie(
    prepared: "PreparedNetwork", computed: Tensor
) -> None:
    with torch.no_grad():
        assert torch.equal(prepared.eager(picture()), computed)


def test_a_bias_rounded_otherwise_is_caught_one_step_off(
    prepared: "PreparedNetwork", computed: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def round_exactly(bias: Tensor, scales: Tensor) -> Tensor:
        return (bias.double() / scales.double()).round()

    monkeypatch.setattr(int8_reference, "_quantize_bias", round_exactly)
    with torch.no_grad():
        expected: Tensor = prepared.eager(picture())
    assert 0 < (expected != computed).sum() < computed.numel() / 100
    parity = compare(computed.flatten().tolist(), expected.flatten().tolist(), "int8")
    assert parity.max_abs_error == pytest.approx(float(computed[computed > 0].min()), rel=1e-3)
    assert not parity.passed
