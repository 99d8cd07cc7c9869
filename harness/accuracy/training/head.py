"""A new classifier on a frozen backbone: logistic regression, with its penalty chosen on held-out images."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.accuracy.loading import Pixels
from harness.accuracy.preprocessing import Preprocessing, normalize
from models.mobilenet_v1 import MobileNetV1

# From almost none to heavy regularization of standardized features.
PENALTIES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
BATCH = 64


@dataclass(frozen=True)
class Features:
    """Pooled activations of a frozen backbone (images, channels) and the images' labels."""

    values: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Head:
    """A fitted classifier, with the penalty and the validation accuracy it was chosen by."""

    classifier: nn.Linear
    penalty: float
    validation_top1: float


def extract_features(
    network: MobileNetV1,
    pixels: Pixels,
    labels: tuple[int, ...],
    preprocessing: Preprocessing,
    progress: Callable[[int, int], None] = lambda done, images: None,
) -> Features:
    """Run the backbone once over prepared images; `labels` are those of the whole data set."""
    rows = []
    with torch.no_grad():
        for start in range(0, len(pixels.values), BATCH):
            progress(start, len(pixels.values))
            inputs = normalize(pixels.values[start : start + BATCH], preprocessing)
            batch = torch.from_numpy(inputs).permute(0, 3, 1, 2)
            rows.append(network.pool(network.blocks(network.stem(batch))).flatten(1))
    return Features(torch.cat(rows), torch.tensor([labels[index] for index in pixels.indices]))


def choose_head(
    training: Features,
    validation: Features,
    classes: int,
    progress: Callable[[int, int], None] = lambda done, penalties: None,
) -> Head:
    """Fit a classifier for each penalty and return the one with the highest top-1 on `validation`."""
    mean, spread = training.values.mean(0), training.values.std(0).clamp_min(1e-6)
    standardized = Features((training.values - mean) / spread, training.labels)
    best: Head | None = None
    start = torch.zeros(classes, training.values.shape[1] + 1)
    # From heavy to light, each starting from the one before; of equally good ones the heaviest is kept.
    for done, penalty in enumerate(sorted(PENALTIES, reverse=True)):
        progress(done, len(PENALTIES))
        start = fit_logistic(standardized, penalty, start)
        classifier = _fold_scaling(start, mean, spread)
        head = Head(classifier, penalty, top1_of(classifier, validation))
        if best is None or head.validation_top1 > best.validation_top1:
            best = head
    if best is None:
        raise ValueError("no penalties to choose from")
    return best


def top1_of(classifier: nn.Linear, features: Features) -> float:
    """The share of images whose largest logit is their label's."""
    with torch.no_grad():
        right = classifier(features.values).argmax(1) == features.labels
    return float(right.float().mean())


def fit_logistic(features: Features, penalty: float, start: Tensor) -> Tensor:
    """Multinomial logistic regression with an L2 penalty: convex, so its solution depends on no seed.

    Parameters are (classes, channels + 1), the last column being the bias, which is not penalized.
    """
    parameters = start.clone().requires_grad_(True)
    solver = torch.optim.LBFGS(
        [parameters], max_iter=300, tolerance_grad=1e-5, history_size=20, line_search_fn="strong_wolfe"
    )

    def objective() -> Tensor:
        solver.zero_grad()
        weight, bias = parameters[:, :-1], parameters[:, -1]
        loss = functional.cross_entropy(features.values @ weight.T + bias, features.labels)
        loss = loss + penalty * weight.square().sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    solver.step(objective)  # type: ignore[no-untyped-call]
    return parameters.detach()


def _fold_scaling(parameters: Tensor, mean: Tensor, spread: Tensor) -> nn.Linear:
    """The classifier for features that are not standardized."""
    weight = parameters[:, :-1] / spread
    classifier = nn.Linear(weight.shape[1], len(weight)).requires_grad_(False)
    classifier.weight.copy_(weight)
    classifier.bias.copy_(parameters[:, -1] - weight @ mean)
    return classifier
