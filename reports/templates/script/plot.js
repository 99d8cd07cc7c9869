// Accuracy against cost, drawn at the width that the page has.

const PLOT_LEFT = 46;
const PLOT_RIGHT = 14;
const PLOT_TOP = 26;
const PLOT_BOTTOM = 46;

// What a cell is drawn from: cost and quality with their ends; null where either is unknown.
function toPoint(cell, basis, budget) {
  const { emulated } = page.machines[cell.machine];
  const latency = budget.sustained ? cell.sustained : cell.latency;
  if (!cell.usable || (emulated ? !cell.instructions : !latency)) return null;
  const counts = cell.processes[2].concat(cell.instructions ?? []).map((count) => count / 1e6);
  const cost = emulated
    ? [Math.min(...counts), cell.instructions / 1e6, Math.max(...counts)]
    : latency.slice(0, 3).map((ns) => ns / 1e6);
  const known = knownAccuracies(cell);
  const accuracy = known.measured ?? known.published;
  if (basis === "none" && cell.macs === null) return null;
  if (basis === "none") return { cell, cost, quality: Array(3).fill(cell.macs / 1e6), accuracy: null, onBasis: true };
  if (!accuracy) return null;
  const quality = [accuracy.low, accuracy.estimate, accuracy.high].map((share) => 100 * share);
  return { cell, cost: ordered(cost), quality: ordered(quality), accuracy, onBasis: accuracy.basis === basis };
}

// A variant that nobody measured: it is shown, and takes part in nothing.
function toPredictedPoint(one, basis) {
  const quality = basis === "none" ? one.macs / 1e6 : one.published === null ? null : 100 * one.published;
  if (quality === null) return null;
  const cell = { ...one, cost: one.texts[0], figures: one.texts.slice(1), status: "predicted", reasons: [] };
  return { cell, predicted: true, cost: ordered(one.cost), quality: Array(3).fill(quality), accuracy: null, onBasis: false };
}

function ordered([low, middle, high]) {
  return [Math.min(low, middle), middle, Math.max(high, middle)];
}

function makePlot(machine, figure) {
  const { basis } = findBasis(splitCells(cellsOf(machine), emptyBudget()).candidates);
  const plot = { machine, figure, basis, points: [], budget: null, canvas: figure.querySelector(".canvas"), active: null };
  const known = [false, true].map((sustained) => findPoints(plot, { sustained }).filter((point) => !point.predicted));
  if (known.every((points) => points.length < 2)) figure.hidden = true;
  return plot;
}

// Predictions are of a cool device.
function findPoints({ machine, basis }, budget) {
  const points = cellsOf(machine).map((cell) => toPoint(cell, basis, budget)).filter(Boolean);
  const rest = budget.sustained ? [] : page.predicted.filter((one) => one.machine === machine);
  points.push(...rest.map((one) => toPredictedPoint(one, basis)).filter(Boolean));
  return points.sort((a, b) => a.cost[1] - b.cost[1]);
}

function setPoints(plot, budget) {
  if (plot.budget?.sustained !== budget.sustained) {
    activate(plot, null);
    plot.points = findPoints(plot, budget);
  }
  plot.budget = budget;
}

function drawPlot(plot, state) {
  setPoints(plot, state.budget);
  if (!plot.points.length) {
    plot.canvas.replaceChildren(element("p", { class: "missing", text: "No cell has a sustained figure." }));
    return;
  }
  const width = Math.max(280, plot.canvas.clientWidth);
  const height = Math.round(Math.min(460, Math.max(320, width * 0.5)));
  const frame = { width, height, right: width - PLOT_RIGHT, bottom: height - PLOT_BOTTOM };
  const costs = plot.points.flatMap((point) => [point.cost[0], point.cost[2]]);
  const qualities = plot.points.flatMap((point) => [point.quality[0], point.quality[2]]);
  const room = Math.max(0.08 * (Math.max(...qualities) - Math.min(...qualities)), 0.5);
  plot.xEnds = [Math.min(...costs) / 1.12, Math.max(...costs) * 1.12];
  plot.yEnds = [Math.max(0, Math.min(...qualities) - room), Math.max(...qualities) + room];
  if (plot.basis !== "none") plot.yEnds[1] = Math.min(100, plot.yEnds[1]);
  plot.x = logScale(...plot.xEnds, PLOT_LEFT, frame.right);
  plot.y = linearScale(...plot.yEnds, frame.bottom, PLOT_TOP);
  for (const point of plot.points) point.place = [plot.x(point.cost[1]), plot.y(point.quality[1])];
  plot.frame = frame;
  plot.halo = shape("circle", { class: "halo", r: 11 });
  const { emulated } = page.machines[plot.machine];
  const yName = plot.basis === "none" ? "Multiply-accumulates, M" : "Top-1, %";
  const xName = emulated
    ? "Instructions per inference, M (log)"
    : `${state.budget.sustained ? "Sustained latency" : "Latency"}, ms (log)`;
  const frontier = findFrontier(plot.points.filter((point) => point.onBasis && keepsRate(point.cell)));
  plot.svg = shape("svg", { width, height, role: "img", "aria-label": `${yName} against ${xName}: the table of all cells has the same figures` }, [
    ...drawBudget(plot, state.budget),
    ...drawAxes(plot, width < 520 ? 5 : 9),
    shape("text", { class: "axis-name", x: 4, y: 14, text: yName }),
    shape("text", { class: "axis-name middle", x: (PLOT_LEFT + frame.right) / 2, y: height - 6, text: xName }),
    ...drawFrontier(plot, frontier),
    plot.halo,
    ...plot.points.map((point) => drawPoint(plot, point, state)),
    ...drawLabels(plot, frontier, state),
  ]);
  plot.canvas.replaceChildren(plot.svg, drawLegend(plot));
  showActive(plot);
}

function drawAxes(plot, most) {
  const { right, bottom } = plot.frame;
  const vertical = logTicks(...plot.xEnds, most).flatMap((value) => [
    shape("line", { class: "grid", x1: plot.x(value), x2: plot.x(value), y1: PLOT_TOP, y2: bottom }),
    shape("text", { class: "tick middle", x: plot.x(value), y: bottom + 17, text: grouped(String(value)) }),
  ]);
  const horizontal = linearTicks(...plot.yEnds, 7).flatMap((value) => [
    shape("line", { class: "grid", x1: PLOT_LEFT, x2: right, y1: plot.y(value), y2: plot.y(value) }),
    shape("text", { class: "tick end", x: PLOT_LEFT - 7, y: plot.y(value) + 4, text: grouped(String(value)) }),
  ]);
  return [...vertical, ...horizontal];
}

// What lies outside the limits on the two axes.
function drawBudget(plot, budget) {
  const { right, bottom } = plot.frame;
  const { emulated } = page.machines[plot.machine];
  const quantity = emulated ? INSTRUCTIONS : LATENCY;
  const limit = budget.limits[quantity];
  const parts = [];
  if (limit !== null) {
    const x = Math.min(right, Math.max(PLOT_LEFT, plot.x(limit / 1e6)));
    const name = `over ${quantityText(page.quantities[quantity], limit)}`;
    const nearRight = right - x < 90;
    parts.push(
      shape("rect", { class: "outside", x, y: PLOT_TOP, width: right - x, height: bottom - PLOT_TOP }),
      shape("line", { class: "limit", x1: x, x2: x, y1: PLOT_TOP, y2: bottom }),
      shape("text", { class: `limit-name${nearRight ? " end" : ""}`, x: x + (nearRight ? -5 : 5), y: bottom - 7, text: name }),
    );
  }
  if (budget.minAccuracy !== null && plot.basis !== "none") {
    const y = Math.min(bottom, Math.max(PLOT_TOP, plot.y(100 * budget.minAccuracy)));
    parts.push(
      shape("rect", { class: "outside", x: PLOT_LEFT, y, width: right - PLOT_LEFT, height: bottom - y }),
      shape("line", { class: "limit", x1: PLOT_LEFT, x2: right, y1: y, y2: y }),
    );
  }
  return parts;
}

// The points that no other one dominates, cheapest first.
function findFrontier(points) {
  const chosen = [];
  for (const point of [...points].sort((a, b) => a.cost[1] - b.cost[1] || b.quality[1] - a.quality[1])) {
    if (!chosen.length || point.quality[1] > chosen.at(-1).quality[1]) chosen.push(point);
  }
  return chosen;
}

// The best quality up to each cost as steps, if costs and qualities are those of these ends.
function steps(points, costEnd, qualityEnd) {
  const sorted = points.map((point) => [point.cost[costEnd], point.quality[qualityEnd]]).sort((a, b) => a[0] - b[0]);
  const found = [];
  for (const [cost, quality] of sorted) {
    if (!found.length || quality > found.at(-1)[1]) found.push([cost, quality]);
  }
  return found;
}

function drawFrontier(plot, frontier) {
  const points = plot.points.filter((point) => point.onBasis);
  if (!points.length) return [];
  const { right, bottom } = plot.frame;
  const path = (found) =>
    found.map(([cost, quality], at) => `${at ? "H" : ""}${plot.x(cost)}${at ? "V" : ","}${plot.y(quality)}`).join("");
  const best = steps(points, 0, 2);
  const worst = steps(points, 2, 0);
  const band = `M${plot.x(best[0][0])},${bottom}L${path(best)}H${right}V${plot.y(worst.at(-1)[1])}${backwards(plot, worst)}V${bottom}Z`;
  const middle = frontier.map((point) => [point.cost[1], point.quality[1]]);
  return [
    shape("path", { class: "band", d: band }),
    shape("path", { class: "frontier", d: `M${path(middle)}H${right}` }),
  ];
}

function backwards(plot, found) {
  let path = "";
  for (let at = found.length - 1; at >= 0; at -= 1) {
    path += `H${plot.x(found[at][0])}`;
    if (at) path += `V${plot.y(found[at - 1][1])}`;
  }
  return path;
}

function drawPoint(plot, point, state) {
  const { cell } = point;
  const shipped = state.shipped.has(cell.index);
  const classes = ["point", precisionClass(cell.precision)];
  if (point.accuracy?.basis === "published") classes.push("published");
  if (point.predicted) classes.push("predicted");
  else if (!state.fitting.has(cell.index)) classes.push("unfit");
  if (cell.flagged) classes.push("suspect");
  if (shipped) classes.push("shipped");
  const [x, y] = point.place;
  const parts = [];
  if (point.accuracy?.basis === "measured") {
    parts.push(shape("line", { class: "error", x1: x, x2: x, y1: plot.y(point.quality[0]), y2: plot.y(point.quality[2]) }));
  }
  if (point.cost[2] > point.cost[0]) {
    parts.push(shape("line", { class: "error", x1: plot.x(point.cost[0]), x2: plot.x(point.cost[2]), y1: y, y2: y }));
  }
  const d = markerPath(cell.precision, shipped ? 8 : 5, cell.runtime);
  parts.push(shape("path", { class: "marker", d, transform: `translate(${x} ${y})` }));
  return shape("g", { class: classes.join(" ") }, parts);
}

// The shipped cell first, then the frontier, each name once and where it covers nothing that is labelled.
function drawLabels(plot, frontier, state) {
  const shipped = plot.points.filter((point) => state.shipped.has(point.cell.index));
  const taken = shipped.map((point) => box(point.place[0] - 9, point.place[1] - 9, 18, 18));
  for (const point of frontier) taken.push(box(point.place[0] - 4, point.place[1] - 4, 8, 8));
  const labels = [];
  const said = new Set();
  const predicted = plot.points.filter((point) => point.predicted);
  for (const point of [...shipped, ...frontier.filter((one) => !shipped.includes(one)), ...predicted]) {
    const bold = state.shipped.has(point.cell.index);
    const text = point.predicted ? `≈ ${point.cell.name}, predicted` : point.cell.name;
    if (said.has(text)) continue;
    const size = bold ? 15 : 12;
    const width = text.length * size * (bold ? 0.6 : 0.56);
    const [x, y] = point.place;
    const spots = [
      [x - 10, y - 8, "end"],
      [x + 10, y + size + 2, ""],
      [x - 10, y - 8 - size, "end"],
      [x + 12, y - 8, ""],
      [x + 12, y + size * 2, ""],
    ];
    for (const [left, baseline, anchor] of spots) {
      const place = box(anchor ? left - width : left, baseline - size, width, size * 1.2);
      const outside = place.x < PLOT_LEFT || place.x + width > plot.frame.right + PLOT_RIGHT - 2 || place.y < PLOT_TOP - 8;
      if (outside || place.y + place.height > plot.frame.bottom || taken.some((other) => overlap(place, other))) continue;
      taken.push(place);
      said.add(text);
      labels.push(shape("text", { class: `label${bold ? " bold" : ""}${anchor ? " end" : ""}`, x: left, y: baseline, text }));
      break;
    }
  }
  return labels;
}

function box(x, y, width, height) {
  return { x, y, width, height };
}

function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function drawLegend(plot) {
  // A predicted variant is no cell, and has no runtime.
  const kinds = plot.points.map(({ cell }) => [cell.precision, cell.runtime ?? ""]);
  const series = new Map(kinds.map((kind) => [kind.join(" ").trim(), kind]));
  const items = [...series].sort().map(([name, kind]) => element("li", {}, [mark(...kind), name]));
  if (plot.points.some((point) => point.accuracy?.basis === "published")) {
    items.push(element("li", { text: "hollow: accuracy published, not measured here" }));
  }
  if (plot.points.some((point) => point.predicted)) {
    items.push(element("li", { text: "hollow, dotted, ≈: predicted, not measured" }));
  }
  if (plot.points.some((point) => point.cell.flagged)) items.push(element("li", { text: "open, dashed: suspect" }));
  items.push(element("li", { text: "line and band: frontier, within its intervals" }));
  return element("ul", { class: "legend" }, items);
}
