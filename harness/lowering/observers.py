"""Observers: the rules that turn an activation's values in calibration into its int8 range.

To add one, add its entry to `OBSERVERS`.
"""

from typing import Any

import torch
from torch import Tensor
from torchao.quantization.pt2e.observer import HistogramObserver, MinMaxObserver

from harness.records import Observer

# One of the percentiles that Wu et al. 2020 (arXiv:2004.09602) compare.
KEPT_SHARE = 0.9999


class PercentileObserver(HistogramObserver):  # type: ignore[misc]
    """The range of `KEPT_SHARE` of the values; the same share is cut at both ends."""

    def _non_linear_param_search(self) -> tuple[Tensor, Tensor]:
        """Replaces the search of the range by its least squared error."""
        below = torch.cumsum(self.histogram, dim=0) / self.histogram.sum()
        tail = (1 - KEPT_SHARE) / 2
        first, last = int((below <= tail).sum()), int((below < 1 - tail).sum())
        bin_width = (self.max_val - self.min_val) / self.bins
        return self.min_val + first * bin_width, self.min_val + (last + 1) * bin_width


OBSERVERS: dict[Observer, Any] = {
    "histogram": HistogramObserver,
    "minmax": MinMaxObserver,
    "percentile": PercentileObserver,
}
