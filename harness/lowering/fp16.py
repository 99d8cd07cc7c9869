"""FP16 inside one XNNPACK delegate whose input and output are float32, as for the other precisions.

ExecuTorch's partitioner leaves a cast between float32 and float16 to a portable kernel outside the
delegate, and its passes drop a cast that they find inside. XNNPACK has the operation (`xnn_unary_convert`),
so we define an operator that no pass knows and add it at ExecuTorch's two points of extension: a
partitioner's configuration and a node visitor. On a core without FP16 arithmetic XNNPACK silently computes
the whole program in float32 (its `xnn_subgraph_fallback_from_fp16_to_fp32`), so such a device is refused
before (`needs` of the precision).
"""

from typing import Any

import torch
from executorch.backends.xnnpack._passes.channels_last_tagged_reshape_pass import (
    ChannelsLastTaggedReshapePass,
)
from executorch.backends.xnnpack.operators.node_visitor import (
    NodeVisitor,
    _node_visitor_dict,
    register_node_visitor,
)
from executorch.backends.xnnpack.partition.config import ALL_PARTITIONER_CONFIGS
from executorch.backends.xnnpack.partition.config.generic_node_configs import GenericNodePartitionerConfig
from executorch.backends.xnnpack.partition.config.xnnpack_config import ConfigPrecisionType
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import XNNConvert, XNNGraph, XNode
from torch import Tensor, fx, nn


@torch.library.custom_op("harness::cast", mutates_args=())
def cast(values: Tensor, dtype: torch.dtype) -> Tensor:
    """The values in another floating-point format; the memory order is kept."""
    return values.to(dtype, copy=True)


@cast.register_fake
def _(values: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.empty_like(values, dtype=dtype)


class HalfNetwork(nn.Module):
    """A network with float16 parameters between a cast to float16 and a cast back."""

    def __init__(self, halves: nn.Module) -> None:
        super().__init__()
        self.halves = halves

    def forward(self, images: Tensor) -> Tensor:
        """NCHW float32 images to float32 logits."""
        logits: Tensor = cast(self.halves(cast(images, torch.float16)), torch.float32)
        return logits


class CastConfig(GenericNodePartitionerConfig):  # type: ignore[misc]
    """Makes XNNPACK's partitioner put casts into the delegate."""

    target_name = "cast.default"

    def supported_precision_types(self) -> list[ConfigPrecisionType]:
        """Casts are between floating-point formats only."""
        return [ConfigPrecisionType.FP32]


@register_node_visitor
class CastVisitor(NodeVisitor):  # type: ignore[misc]
    """Writes a cast into the delegate's graph."""

    target = "harness.cast.default"

    def define_node(
        self, node: fx.Node, xnn_graph: XNNGraph, vals_to_ids: dict[fx.Node, int], debug_handle: int
    ) -> None:
        """Add the cast; its input and output have the layout that the passes gave the node."""
        is_nhwc = ChannelsLastTaggedReshapePass.is_nhwc_node(node)
        self.define_nodes_tensor_inputs_outputs(node, xnn_graph, vals_to_ids, convert_to_nhwc=is_nhwc)
        (source,) = node.all_input_nodes
        convert = XNNConvert(input_id=vals_to_ids[source], output_id=vals_to_ids[node], flags=0)
        xnn_graph.xnodes.append(XNode(xnode_union=convert, debug_handle=debug_handle))


# `register_node_visitor` leaves nothing under a visitor's own name to inherit from.
_Convolution: Any = _node_visitor_dict["aten.convolution.default"]


@register_node_visitor
class HalfConvolutionVisitor(_Convolution):  # type: ignore[misc]
    """Stores float16 weights of a convolution as float16; the stock visitor would double the file."""

    def define_tensor(self, tensor: fx.Node, *arguments: Any, **options: Any) -> None:
        """Write a tensor in its own format."""
        if tensor.meta["val"].dtype == torch.float16:
            options["force_fp32"] = False
        super().define_tensor(tensor, *arguments, **options)


def make_partitioner() -> XnnpackPartitioner:
    """ExecuTorch's XNNPACK partitioner, extended by our casts."""
    return XnnpackPartitioner(configs=[*ALL_PARTITIONER_CONFIGS, CastConfig])
