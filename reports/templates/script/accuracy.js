// What is known of a file's accuracy, and which files it tells apart: harness/analysis/known_accuracy.py.

function knownAccuracies(cell) {
  const file = page.files[cell.file];
  const measured = file.measured && {
    basis: "measured",
    data: file.data,
    low: file.measured[0],
    estimate: file.measured[1],
    high: file.measured[2],
    images: file.images,
    group: file.group,
    row: file.row,
  };
  const published = file.published !== null && {
    basis: "published",
    data: -1,
    low: file.published,
    estimate: file.published,
    high: file.published,
    images: 0,
    group: null,
  };
  return { measured: measured || null, published: published || null };
}

function accuracyText(accuracy) {
  const estimate = `${percent(accuracy.estimate)} % top-1`;
  if (accuracy.basis === "published") return `${estimate} published, not measured here`;
  return `${estimate} (${percent(accuracy.low)} to ${percent(accuracy.high)} %)`;
}

// The data that most figures are of; of equally many those with more images, then the first by name.
function bestData(known) {
  const counts = new Map();
  const images = new Map();
  for (const one of known) {
    if (!one) continue;
    counts.set(one.data, (counts.get(one.data) ?? 0) + 1);
    images.set(one.data, one.images);
  }
  const order = (data) => [-counts.get(data), -images.get(data), page.data[data] ?? ""];
  const sorted = [...counts.keys()].sort((a, b) => compareLists(order(a), order(b)));
  return sorted.length ? sorted[0] : null;
}

function compareLists(first, second) {
  for (let at = 0; at < first.length; at += 1) {
    if (first[at] < second[at]) return -1;
    if (first[at] > second[at]) return 1;
  }
  return 0;
}

function indistinguishable(best, other) {
  const drop = best.estimate - other.estimate;
  if (100 * drop > page.largestTiePp + 1e-9) return false;
  if (best.basis === "published") return drop <= 0;
  const counts = pairCounts(best, other);
  if (counts) return mcnemar(counts.onlyFirst, counts.onlySecond) >= page.significance;
  return unpairedDrop(best, other).low <= 0;
}

function pairCounts(first, second) {
  if (first.group === null || first.group !== second.group) return null;
  const { wins, images } = page.pairs[first.group];
  return {
    onlyFirst: wins[first.row][second.row],
    onlySecond: wins[second.row][first.row],
    images: images[first.row][second.row],
  };
}

// McNemar's exact test: the two-sided binomial test of the images that only one of the two has right.
function mcnemar(onlyFirst, onlySecond) {
  const total = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  if (2 * fewer === total) return 1;
  let sum = 0;
  for (let count = fewer; count >= 0; count -= 1) {
    const term = Math.exp(logChoose(total, count) - total * Math.LN2);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return Math.min(1, 2 * sum);
}

function logChoose(total, count) {
  return logFactorial(total) - logFactorial(count) - logFactorial(total - count);
}

// Stirling's series, exact to 1e-13 from 16 on.
function logFactorial(count) {
  let value = 0;
  for (let factor = 2; factor <= Math.min(count, 16); factor += 1) value += Math.log(factor);
  if (count <= 16) return value;
  const x = count + 1;
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}

// Percentage points that the second is below the first: Newcombe's interval of two Wilson intervals.
function unpairedDrop(first, second) {
  const drop = first.estimate - second.estimate;
  return {
    estimate: 100 * drop,
    low: 100 * (drop - Math.hypot(first.estimate - first.low, second.high - second.estimate)),
    high: 100 * (drop + Math.hypot(first.high - first.estimate, second.estimate - second.low)),
  };
}

// The same on the same images: the adjusted Wald interval of Bonett and Price.
function pairedDrop(counts) {
  const z = 1.959963984540054;
  const lost = (counts.onlyFirst + 1) / (counts.images + 2);
  const won = (counts.onlySecond + 1) / (counts.images + 2);
  const half = z * Math.sqrt((lost + won - (lost - won) ** 2) / (counts.images + 2));
  return {
    estimate: (100 * (counts.onlyFirst - counts.onlySecond)) / counts.images,
    low: 100 * Math.max(-1, lost - won - half),
    high: 100 * Math.min(1, lost - won + half),
  };
}
