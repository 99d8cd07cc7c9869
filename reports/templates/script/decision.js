// Which cell to ship within a budget: harness/analysis/selection.py, candidates.py and ladder.py.

function limitsAnything(budget) {
  return budget.minAccuracy !== null || budget.limits.some((limit) => limit !== null);
}

// The first reason why a cell is not considered at all; null if only limits can stand against it.
function exclusion(cell, budget) {
  if (cell.failed) return "failed";
  if (cell.status === "invalid") return "invalid";
  if (budget.precisions.length && !budget.precisions.includes(cell.precision)) return "of another precision";
  if (budget.threads.length && !budget.threads.includes(cell.threads)) return "with other threads";
  if (budget.cores !== null && !cell.cores.includes(budget.cores)) return "on other cores";
  if (budget.sustained && !cell.sustained) return "no sustained figure";
  if (cell.otherPace) return "at another pace";
  return null;
}

// The worse end of a figure that the budget limits; with `sustained` the latency is that of the plateau.
function worstOf(cell, at, budget) {
  return budget.sustained && at === LATENCY ? (cell.sustained?.[2] ?? null) : cell.worst[at];
}

function quantityOf(at, budget) {
  const quantity = page.quantities[at];
  return budget.sustained && at === LATENCY ? { ...quantity, name: "sustained latency" } : quantity;
}

// A paced cell is held to its own rate, whether the budget names a rate or not.
function limitOn(cell, at, budget) {
  return at === PACED ? cell.period : budget.limits[at];
}

function keepsRate(cell) {
  return cell.period === null || cell.paced === null || cell.paced[2] <= cell.period;
}

function findMisses(cell, accuracy, budget) {
  const misses = [];
  page.quantities.forEach((_, at) => {
    const allowed = limitOn(cell, at, budget);
    const needed = worstOf(cell, at, budget);
    if (allowed === null || (needed !== null && needed <= allowed)) return;
    const quantity = quantityOf(at, budget);
    const are = quantity.name === "instructions" ? "are" : "is";
    let reason =
      needed === null
        ? `${quantity.name} not measured`
        : `${quantity.name} up to ${quantityText(quantity, needed)} ${are} over ${quantityText(quantity, allowed)}`;
    if (at === PACED && cell.missed) reason += `, ${cell.missed}`;
    misses.push({ limit: quantity.name, option: quantity.option, allowed, needed, reason, quantity });
  });
  const minimum = budget.minAccuracy;
  if (minimum !== null && (!accuracy || accuracy.low < minimum)) {
    const of = accuracy && accuracy.basis === "measured" ? "of at least" : "of";
    const reason = accuracy
      ? `${accuracy.basis} top-1 ${of} ${percent(accuracy.low)}% is under ${percent(minimum)}%`
      : "accuracy neither measured nor published";
    const needed = accuracy ? accuracy.low : null;
    misses.push({ limit: "accuracy", option: "--min-accuracy", allowed: minimum, needed, reason, quantity: null });
  }
  for (const miss of misses) {
    miss.excess = miss.needed === null ? Infinity : Math.abs(miss.needed - miss.allowed) / miss.allowed;
  }
  return misses;
}

function costOf(cell, budget) {
  const limits = budget.limits;
  if (page.machines[cell.machine].emulated) return cell.worst[INSTRUCTIONS] || Infinity;
  if (budget.sustained) return worstOf(cell, LATENCY, budget) || Infinity;
  if (limits[LATENCY] === null && limits[PACED] && cell.paced) return cell.paced[2];
  if (limits[LATENCY] === null && limits[P99] && cell.p99) return cell.p99[2];
  if (limits[LATENCY] === null && limits[P90] && cell.p90) return cell.p90[2];
  return cell.worst[LATENCY] || Infinity;
}

// Sorts the better cell first: valid before suspect, then the cost's worse end, then memory, file, name.
function preference(cell, budget) {
  return [Number(cell.flagged), costOf(cell, budget), cell.worst[MEMORY] ?? Infinity, cell.size, cell.order];
}

function byPreference(budget) {
  return (a, b) => compareLists(preference(a.cell, budget), preference(b.cell, budget));
}

function splitCells(cells, budget) {
  const within = new Map();
  const rejected = [];
  const judged = cells.map((cell) => {
    const known = knownAccuracies(cell);
    const misses = findMisses(cell, known.measured ?? known.published, budget);
    return { cell, ...known, excluded: exclusion(cell, budget), misses, units: [], repeats: [] };
  });
  for (const one of keepWorstUnits(keepWorstRepeats(judged, budget), budget)) {
    const { cell, excluded, misses } = one;
    if (excluded || misses.length) rejected.push(one);
    else if (within.has(cell.file)) within.get(cell.file).push(one);
    else within.set(cell.file, [one]);
  }
  const candidates = [...within.values()].map((placements) => {
    const [best, ...others] = placements.sort(byPreference(budget));
    const units = [best, ...others].flatMap((one) => one.units);
    return { ...best, others: others.map((other) => other.cell), units };
  });
  return { candidates, rejected };
}

// Without any accuracy the size of the network stands in, which own programs do not have.
const SIZE = "size of the network";

function findBasis(candidates) {
  for (const basis of ["measured", "published"]) {
    const data = bestData(candidates.map((one) => one[basis]));
    if (data !== null) return { basis, data };
  }
  return { basis: "none", data: candidates.some((one) => one.cell.macs) ? SIZE : null };
}

function onBasis(candidate, { basis, data }) {
  if (basis === "none") {
    if (data === SIZE && !candidate.cell.macs) return null;
    return { ...candidate, accuracy: null, quality: candidate.cell.macs ?? 0 };
  }
  const accuracy = candidate[basis];
  if (!accuracy || accuracy.data !== data) return null;
  return { ...candidate, accuracy, quality: accuracy.estimate };
}

function isTied(leader, other) {
  if (leader === other) return true;
  if (leader.accuracy && other.accuracy) return indistinguishable(leader.accuracy, other.accuracy);
  return leader.quality === other.quality;
}

function rank(candidates, budget) {
  if (!candidates.length) return { ranked: [], tied: 0 };
  const order = byPreference(budget);
  const byQuality = [...candidates].sort((a, b) => b.quality - a.quality || order(a, b));
  const leader = byQuality[0];
  const group = byQuality.filter((one) => isTied(leader, one)).sort(order);
  const rest = byQuality.filter((one) => !isTied(leader, one));
  return { ranked: [...group, ...rest], tied: group.length };
}

function largestExcess(one) {
  return Math.max(...one.misses.map((miss) => miss.excess));
}

function findUpgrades(best, beyond, basis) {
  const better = beyond
    .map((one) => onBasis(one, basis))
    .filter((one) => one && one.quality > best.quality && !isTied(one, best))
    .filter((one) => one.misses.every((miss) => Number.isFinite(miss.excess)))
    .sort((a, b) => largestExcess(a) - largestExcess(b));
  for (const one of better) one.gain = one.accuracy ? 100 * (one.quality - best.quality) : null;
  const smallest = new Map();
  for (const one of better) {
    if (one.misses.length === 1 && !smallest.has(one.misses[0].limit)) smallest.set(one.misses[0].limit, one);
  }
  return smallest.size ? [...smallest.values()] : better.slice(0, 1);
}

// The answer for one device or pool; null where its clock cannot keep the budget.
function decide(group, budget) {
  const timed = budget.limits.some((limit, at) => limit !== null && page.quantities[at].isTime);
  if (page.groups[group].emulated && timed) return null;
  const { candidates, rejected } = splitCells(cellsOfGroup(group), budget);
  const basis = findBasis(candidates);
  const compared = candidates.map((one) => onBasis(one, basis)).filter(Boolean);
  const { ranked, tied } = rank(compared, budget);
  const beyond = rejected.filter((one) => !one.excluded);
  const best = ranked[0] ?? null;
  const nearest = beyond.reduce((a, b) => (a && largestExcess(a) <= largestExcess(b) ? a : b), null);
  return {
    group,
    ...basis,
    best,
    ranked,
    tied,
    setAside: candidates.filter((one) => !onBasis(one, basis)),
    rejected,
    upgrades: best ? findUpgrades(best, beyond, basis) : [],
    nearest: best ? null : nearest,
    probability:
      best && limitsAnything(budget) ? chanceWithin(best.cell, best.measured ?? best.published, budget) : null,
  };
}

// What each further millisecond buys: the cells that are shipped as the limit on the cost rises.
function climb(group, budget) {
  const limits = budget.limits.map((limit, at) => ([LATENCY, P90, P99, INSTRUCTIONS].includes(at) ? null : limit));
  const open = { ...budget, limits };
  const { candidates } = splitCells(cellsOfGroup(group), open);
  const basis = findBasis(candidates);
  const at = page.groups[group].emulated ? INSTRUCTIONS : LATENCY;
  const placements = candidates
    .flatMap((one) => [one, ...one.others.map((cell) => ({ ...one, cell }))])
    .map((one) => onBasis(one, basis))
    .filter((one) => one && worstOf(one.cell, at, budget) !== null);
  for (const one of placements) one.order = preference(one.cell, open);
  const worst = (one) => worstOf(one.cell, at, budget);
  placements.sort((a, b) => worst(a) - worst(b) || compareLists(a.order, b.order));
  const steps = [];
  const within = new Map();
  for (const placed of placements) {
    const known = within.get(placed.cell.file);
    if (!known || compareLists(placed.order, known.order) < 0) within.set(placed.cell.file, placed);
    const chosen = chooseWithin([...within.values()]);
    const cost = worst(placed);
    const last = steps.at(-1);
    if (!last) steps.push({ chosen, cost, gain: null, more: null });
    else if (chosen.quality > last.chosen.quality && !isTied(chosen, last.chosen)) {
      const gain = chosen.accuracy ? 100 * (chosen.quality - last.chosen.quality) : null;
      steps.push({ chosen, cost, gain, more: cost - last.cost });
    }
  }
  return steps;
}

function chooseWithin(placed) {
  const first = (a, b) => (compareLists(a.order, b.order) < 0 ? a : b);
  const highest = placed.reduce((most, one) => Math.max(most, one.quality), -Infinity);
  const leader = placed.filter((one) => one.quality === highest).reduce(first);
  return placed.filter((one) => isTied(leader, one)).reduce(first);
}
