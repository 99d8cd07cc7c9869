"""Images that the tests of training share."""

from pathlib import Path

import pytest

from harness.accuracy.datasets import Dataset, open_dataset

SHIPPED = f"idx:{Path(__file__).parents[2] / 'data' / 'fashion-mnist-1k'}"


@pytest.fixture(scope="session")
def splits() -> tuple[Dataset, Dataset]:
    """Images of the shipped subset to train and to test on."""
    dataset = open_dataset(SHIPPED)
    return dataset.take(range(800)), dataset.take(range(800, 1000))
