// How probable it is that a cell meets a budget: harness/analysis/chance.py.

function chanceWithin(cell, accuracy, budget) {
  const [latencies, startups, counts, peaks] = cell.processes;
  const perQuantity = [
    (limit) =>
      budget.sustained
        ? intervalAtMost(cell.sustained, limit)
        : latencies.length > 1
          ? atMost(latencies, limit)
          : intervalAtMost(cell.latency, limit),
    (limit) => intervalAtMost(cell.p90, limit),
    (limit) => intervalAtMost(cell.p99, limit),
    (limit) => atMost(startups, limit),
    (limit) => atMost(counts, limit),
    (limit) => atMost(peaks, limit),
    (limit) => Number(cell.size <= limit),
    (limit) => intervalAtMost(cell.energy, limit),
    (limit) => intervalAtMost(cell.paced, limit),
  ];
  let product = 1;
  let limited = false;
  const chances = perQuantity.map((chance, at) => {
    const limit = limitOn(cell, at, budget);
    return limit === null ? undefined : chance(limit);
  });
  chances.push(budget.minAccuracy === null ? undefined : atLeast(accuracy, budget.minAccuracy));
  for (const chance of chances) {
    if (chance === undefined) continue;
    if (chance === null) return null;
    product *= chance;
    limited = true;
  }
  return limited ? product : null;
}

function atMost(values, limit) {
  if (!values.length) return null;
  if (values.length === 1) return Number(values[0] <= limit);
  const logs = values.map(Math.log).sort((a, b) => a - b);
  const target = Math.log(limit);
  const count = logs.length;
  if (logs[0] === logs[count - 1]) return Number(logs[0] <= target);
  const mean = logs.reduce((sum, value) => sum + value, 0) / count;
  const spread = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  if (count < page.resampledFrom) return studentCdf((target - mean) / (spread / Math.sqrt(count)), count - 1);
  const { low, high, weights } = page.medians[count];
  return weights.reduce(
    (sum, weight, at) =>
      sum + weight * normalCdf((target - (logs[low[at]] + logs[high[at]]) / 2) / (spread / count)),
    0,
  );
}

function intervalAtMost(ends, limit) {
  if (!ends || ends[0] <= 0) return null;
  const [low, estimate, high, confidence] = ends;
  const quantile = confidence ? normalQuantile((1 + confidence) / 2) : 0;
  const end = limit >= estimate ? high : low;
  const deviation = quantile ? Math.abs(Math.log(end / estimate)) / quantile : 0;
  const distance = Math.log(limit / estimate);
  return deviation ? normalCdf(distance / deviation) : Number(distance >= 0);
}

function atLeast(accuracy, minimum) {
  if (!accuracy) return null;
  const deviation = accuracy.images ? Math.sqrt((minimum * (1 - minimum)) / accuracy.images) : 0;
  if (!deviation) return Number(accuracy.estimate >= minimum);
  return normalCdf((accuracy.estimate - minimum) / deviation);
}

// By the series near zero and Laplace's continued fraction in the tails; exact to 1e-13.
function normalCdf(z) {
  const x = Math.abs(z);
  if (x > 38) return z < 0 ? 0 : 1;
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let tail;
  if (x < 4) {
    let term = x;
    let sum = x;
    for (let odd = 3; term > sum * 1e-17; odd += 2) {
      term *= (x * x) / odd;
      sum += term;
    }
    tail = 0.5 - density * sum;
  } else {
    let fraction = 0;
    for (let level = 60; level > 0; level -= 1) fraction = level / (x + fraction);
    tail = density / (x + fraction);
  }
  return z < 0 ? tail : 1 - tail;
}

function normalQuantile(probability) {
  let low = -40;
  let high = 40;
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// Of one to three degrees of freedom: fewer values than are resampled.
function studentCdf(t, freedom) {
  if (freedom === 1) return 0.5 + Math.atan(t) / Math.PI;
  if (freedom === 2) return 0.5 + t / (2 * Math.sqrt(2 + t * t));
  const x = t / Math.sqrt(3);
  return 0.5 + (x / (1 + x * x) + Math.atan(x)) / Math.PI;
}
