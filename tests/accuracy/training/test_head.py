"""A classifier for frozen features is the optimum, with a penalty that held-out images chose."""

from pathlib import Path

import torch

from harness.accuracy.datasets import open_dataset
from harness.accuracy.datasets.dataset import stratified_subset
from harness.accuracy.training.head import Features, choose_head

SHIPPED = f"idx:{Path(__file__).parents[2] / 'data' / 'fashion-mnist-1k'}"


def test_the_head_is_chosen_on_held_out_images_and_not_by_the_training_fit() -> None:
    generator = torch.Generator().manual_seed(0)
    # Two informative channels drowned in noise: a light penalty fits the noise.
    labels = torch.arange(120) % 2
    noise = torch.randn(120, 60, generator=generator)
    noise[:, :2] += 1.2 * labels[:, None]
    train_half, held = Features(noise[:60], labels[:60]), Features(noise[60:], labels[60:])
    head = choose_head(train_half, held, 2)
    assert head.penalty >= 1e-2
    assert head.validation_top1 > 0.6


def test_the_fitted_head_is_at_the_optimum() -> None:
    dataset = stratified_subset(open_dataset(SHIPPED), 200, seed=0)
    generator = torch.Generator().manual_seed(1)
    features = Features(
        torch.randn(len(dataset), 5, generator=generator) * 3 + 1, torch.tensor(dataset.labels) % 3
    )
    head = choose_head(features, features, 3)
    spread = features.values.std(0)
    weight = head.classifier.weight.clone().requires_grad_(True)
    bias = head.classifier.bias.clone().requires_grad_(True)
    loss = torch.nn.functional.cross_entropy(features.values @ weight.T + bias, features.labels)
    loss = loss + head.penalty * (weight * spread).square().sum() / 2
    gradients = torch.autograd.grad(loss, (weight, bias))
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-3
