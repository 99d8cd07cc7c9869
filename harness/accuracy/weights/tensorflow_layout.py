"""TensorFlow's kernels in PyTorch's order of dimensions."""

from torch import Tensor


def to_torch(ours: str, value: Tensor) -> Tensor:
    """The tensor named `ours` in our network, in PyTorch's layout.

    Convolutions are (height, width, in, out), depthwise ones (height, width, channels, 1), and the
    classifier is a 1x1 convolution; everything else is returned unchanged.
    """
    if value.dim() != 4:
        return value
    if ours == "classifier.weight":
        return value.permute(3, 2, 0, 1).flatten(1)
    return value.permute(2, 3, 0, 1) if ".depthwise." in ours else value.permute(3, 2, 0, 1)
