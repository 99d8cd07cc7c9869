"""Student's interval of the median of few positive values, on their logarithms."""

import math
import statistics
from collections.abc import Sequence

# Two-sided 95 % quantiles of Student's t for n - 1 = 1..4 degrees of freedom.
STUDENT_T = {2: 12.7062, 3: 4.3027, 4: 3.1824, 5: 2.7764}


def student_bounds(values: Sequence[float]) -> tuple[float, float]:
    """The ends for 2 to 5 values, which are relative to the smallest: equal values give exactly [x, x]."""
    smallest, count = min(values), len(values)
    logs = [math.log(value / smallest) for value in values]
    half_width = STUDENT_T[count] * statistics.stdev(logs) / math.sqrt(count)
    center = statistics.fmean(logs)
    return smallest * math.exp(center - half_width), smallest * math.exp(center + half_width)
