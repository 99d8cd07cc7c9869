// Two pinned cells: by how much they differ, with intervals.

// The Hodges-Lehmann estimate of new/base and the interval of the exact Mann-Whitney test: analysis/ratios.py.
function ratioInterval(base, given) {
  if (!base.length || !given.length) return null;
  const ratios = given.flatMap((value) => base.map((other) => value / other)).sort((a, b) => a - b);
  const [depth, confidence] = page.ratioDepths[`${base.length},${given.length}`] ?? [1, 0];
  return { low: ratios[depth - 1], estimate: medianOf(ratios), high: ratios[ratios.length - depth], confidence };
}

// The range of the counts, which of one thread repeat exactly: analysis/cell_comparison.py.
function countRatio(base, given) {
  const [before, after] = [base.processes[2], given.processes[2]];
  if (!before.length || !after.length) return null;
  const held = (cell, counts) => (cell.threads === 1 ? 1 : 1 - 0.5 ** (counts.length - 1));
  return {
    low: Math.min(...after) / Math.max(...before),
    estimate: medianOf(after) / medianOf(before),
    high: Math.max(...after) / Math.min(...before),
    confidence: held(base, before) * held(given, after),
  };
}

function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

function describeDifference(base, other) {
  const lines = [];
  const { emulated } = page.machines[base.machine];
  const alike = base.machine === other.machine;
  if (alike) {
    const [latencies, otherLatencies] = [base.processes[0], other.processes[0]];
    const ratio = emulated ? countRatio(base, other) : ratioInterval(latencies, otherLatencies);
    const name = emulated ? "instructions" : "latency";
    if (ratio) {
      const sure = ratio.confidence < 0.95 ? `, ${fixed(100 * ratio.confidence, 0)} % sure` : "";
      lines.push(`${name}: ${withEnds(ratio.estimate, ratio.low, ratio.high)} times${sure}`);
    }
  } else lines.push("cost and peak memory: not compared, they are of two devices");
  const difference = accuracyDifference(base, other);
  if (difference) lines.push(difference);
  for (const [name, at] of [...(alike ? [["peak memory", MEMORY]] : []), ["file", MEMORY + 1]]) {
    const [before, after] = [base.worst[at], other.worst[at]];
    if (before === null || after === null) continue;
    const size = Math.abs(after - before) / 1e6;
    lines.push(before === after ? `${name}: the same` : `${name}: ${short(size)} MB ${after > before ? "more" : "less"}`);
  }
  return lines;
}

function accuracyDifference(base, other) {
  const [before, after] = [knownAccuracies(base), knownAccuracies(other)];
  if (base.file === other.file) return "top-1: the same file";
  if (before.measured && after.measured && before.measured.data === after.measured.data) {
    const counts = pairCounts(after.measured, before.measured);
    const gain = counts ? pairedDrop(counts) : unpairedDrop(after.measured, before.measured);
    const how = counts ? "on the same images" : "from both intervals";
    return `top-1: ${signed(gain.estimate, 1)} points (${signed(gain.low, 1)} to ${signed(gain.high, 1)}), ${how}`;
  }
  if (before.published && after.published) {
    return `top-1: ${signed(100 * (after.published.estimate - before.published.estimate), 1)} points, published`;
  }
  return null;
}

function showComparison(pinned, onClear) {
  const place = document.getElementById("comparison");
  if (!pinned.length) {
    place.replaceChildren();
    return;
  }
  const [base, other] = pinned;
  const clear = element("button", { type: "button", text: "Clear" });
  clear.addEventListener("click", onClear);
  const names = other
    ? [element("strong", { text: placedName(other) }), " against ", element("strong", { text: placedName(base) }), ": "]
    : [element("strong", { text: placedName(base) }), " is pinned; pin another cell to compare. "];
  const text = other ? describeDifference(base, other).join("; ") : "";
  place.replaceChildren(element("p", {}, [...names, text, " ", clear]));
}
