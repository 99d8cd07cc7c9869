"""The training loop: one-cycle SGD, reproducible from its seed, resumable with the same result."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from harness.accuracy.preprocessing import Preprocessing, uniform_scaling
from harness.accuracy.weights.checkpoint import read_tensors, write_tensors
from harness.errors import UsageError
from harness.records import Record

PositiveInt = Annotated[int, Meta(gt=0)]
# Share of the steps in which the learning rate rises; it starts and ends this many times below the peak.
RISE, START_BELOW, END_BELOW = 0.3, 25, 1e4
SECONDS_BETWEEN_SAVES = 60
_NETWORK, _MOMENTUM = "network.", "momentum."


class Recipe(Record, frozen=True, kw_only=True):
    """How a network is trained; `shift` is the largest random translation as a share of the side."""

    epochs: PositiveInt
    batch_size: Annotated[int, Meta(gt=1)] = 64
    peak_learning_rate: Annotated[float, Meta(gt=0)] = 0.2
    momentum: Annotated[float, Meta(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Meta(ge=0)] = 5e-5
    label_smoothing: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    mirror: bool = True
    shift: Annotated[float, Meta(ge=0, le=0.5)] = 0.0625
    mixed_precision: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Progress:
    """Progress after a step; `step` counts from 1, `epoch` from 0."""

    step: int
    steps: int
    epoch: int
    loss: float
    learning_rate: float


@dataclass(frozen=True)
class TrainingImages:
    """The images to train on: `fetch(indices)` gives uint8 RGB (N, side, side, 3) and int64 labels (N,).

    `identity` changes with the data, so that training is not resumed with other images.
    """

    count: int
    fetch: Callable[[Tensor], tuple[Tensor, Tensor]]
    identity: str


def train_network(
    network: nn.Module,
    images: TrainingImages,
    preprocessing: Preprocessing,
    recipe: Recipe,
    *,
    save_to: Path | None = None,
    freeze_batch_norm: bool = False,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Train in place and leave the network in evaluation mode; with `save_to`, resume from that file.

    The file keeps the last step as well, until the caller has saved the network and removes the file.

    The result depends on the seed, the images, the CPU or GPU and the number of threads, but not on
    interruptions: the random numbers of a step depend on the seed and the step's number only. On a GPU with
    bfloat16 the forward pass runs in mixed precision, unless the recipe turns that off.

    Raises:
        UsageError: `save_to` holds the state of another recipe or data set.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    optimizer = _make_optimizer(network, recipe)
    per_epoch = max(1, images.count // recipe.batch_size)
    steps = per_epoch * recipe.epochs
    state = _SavedState(save_to, recipe, images.identity) if save_to else None
    first_step = state.restore(network, optimizer) if state else 0
    _set_training(network, freeze_batch_norm)
    order, order_epoch = torch.empty(0), -1
    for step in range(first_step, steps):
        epoch = step // per_epoch
        if epoch != order_epoch:
            order, order_epoch = torch.randperm(images.count, generator=_generator(recipe.seed, epoch)), epoch
        start = step % per_epoch * recipe.batch_size
        pixels, labels = images.fetch(order[start : start + recipe.batch_size])
        batch = _augment(pixels, recipe, _generator(recipe.seed, -1 - step)).to(device)
        rate = learning_rate(step, steps, recipe.peak_learning_rate)
        loss = _take_step(network, optimizer, _scale(batch, preprocessing), labels.to(device), rate, recipe)
        progress(Progress(step + 1, steps, epoch, loss, rate))
        if state:
            state.save_if_due(step + 1, network, optimizer)
    if state and first_step < steps:
        state.save(steps, network, optimizer)
    network.to("cpu").eval()


def learning_rate(step: int, steps: int, peak: float) -> float:
    """One cycle (Smith and Topin 2017, arXiv:1708.07120): a cosine up to the peak, another down."""
    rise = max(1.0, RISE * steps)
    if step < rise:
        low, share = peak / START_BELOW, 1 - step / rise
    else:
        low, share = peak / END_BELOW, (step - rise) / max(1.0, steps - rise)
    return low + (peak - low) * (1 + math.cos(math.pi * share)) / 2


def _take_step(
    network: nn.Module, optimizer: torch.optim.SGD, batch: Tensor, labels: Tensor, rate: float, recipe: Recipe
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    mixed = recipe.mixed_precision and batch.is_cuda and torch.cuda.is_bf16_supported()
    with torch.autocast("cuda", dtype=torch.bfloat16) if mixed else nullcontext():
        logits = network(batch)
    loss = functional.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def _make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD without weight decay for biases, BatchNorm and depthwise kernels: too few to overfit with."""
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for parameter in network.parameters():
        if parameter.requires_grad:
            is_matrix = parameter.ndim > 1 and parameter.shape[1] > 1
            (decayed if is_matrix else kept).append(parameter)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=recipe.peak_learning_rate, momentum=recipe.momentum, nesterov=True)


def _set_training(network: nn.Module, freeze_batch_norm: bool) -> None:
    network.train()
    if freeze_batch_norm:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def _generator(seed: int, number: int) -> torch.Generator:
    """A separate random stream for each epoch (number >= 0) and each step (number < 0)."""
    mixed = (seed * 1_000_003 + number * 7_919) % 2**63
    return torch.Generator().manual_seed(mixed)


def _augment(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Mirror half of the images and shift each by a few pixels, at random, repeating edges; uint8 NHWC."""
    count, side = pixels.shape[0], pixels.shape[1]
    if recipe.mirror:
        mirrored = torch.rand(count, generator=generator) < 0.5
        pixels = torch.where(mirrored[:, None, None, None], pixels.flip(2), pixels)
    reach = round(recipe.shift * side)
    if not reach:
        return pixels
    moves = torch.randint(-reach, reach + 1, (2, count), generator=generator)
    rows, columns = ((torch.arange(side) + move[:, None]).clamp(0, side - 1) for move in moves)
    every = torch.arange(count)[:, None, None]
    return pixels[every, rows[:, :, None], columns[:, None, :]]


def _scale(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """`normalize` for tensors: uint8 NHWC to float32 NCHW (channels_last in memory)."""
    scaling = uniform_scaling(preprocessing)
    values = pixels.permute(0, 3, 1, 2).float()
    if scaling is not None:
        return values * scaling[0] + scaling[1]
    if preprocessing.colour == "bgr":
        values = values.flip(1)
    mean, std = (
        torch.tensor(channels, device=values.device).view(3, 1, 1)
        for channels in (preprocessing.mean, preprocessing.std)
    )
    return (values / 255 - mean) / std


class _SavedState:
    """The file that training is resumed from: network, momentum, step, recipe and images' identity."""

    def __init__(self, file: Path, recipe: Recipe, identity: str) -> None:
        self._file = file
        self._identity = {"recipe": msgspec.json.encode(recipe).decode(), "images": identity}
        self._saved_at = time.monotonic()

    def restore(self, network: nn.Module, optimizer: torch.optim.SGD) -> int:
        """Load the saved state and return the number of finished steps; 0 without a file."""
        if not self._file.exists():
            return 0
        tensors, metadata = read_tensors(self._file)
        if any(metadata.get(key) != value for key, value in self._identity.items()):
            raise UsageError(
                f"{self._file} was saved by a training with another recipe or other images",
                hint="resume with the same options, or delete the file to start again",
            )
        network.load_state_dict(_under(_NETWORK, tensors))
        momentum = _under(_MOMENTUM, tensors)
        for name, parameter in network.named_parameters():
            if name in momentum:
                optimizer.state[parameter] = {"momentum_buffer": momentum[name].to(parameter.device)}
        return int(metadata["step"])

    def save_if_due(self, step: int, network: nn.Module, optimizer: torch.optim.SGD) -> None:
        """Save if the last save was at least SECONDS_BETWEEN_SAVES ago."""
        if time.monotonic() - self._saved_at >= SECONDS_BETWEEN_SAVES:
            self.save(step, network, optimizer)

    def save(self, step: int, network: nn.Module, optimizer: torch.optim.SGD) -> None:
        """Save the state after this many steps."""
        tensors = {_NETWORK + name: value for name, value in network.state_dict().items()}
        for name, parameter in network.named_parameters():
            buffer = optimizer.state[parameter].get("momentum_buffer")
            if buffer is not None:
                tensors[_MOMENTUM + name] = buffer
        write_tensors(self._file, tensors, {**self._identity, "step": str(step)})
        self._saved_at = time.monotonic()


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
