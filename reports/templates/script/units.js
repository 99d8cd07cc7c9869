// Of one file in one placement that several devices of a pool measured, the worst device's cell counts:
// harness/analysis/worst_units.py; and what a further device could need: harness/analysis/pool_facts.py.

// Of those that a device measured several times in one placement, the worst one that no reason speaks against.
function keepWorstRepeats(judged, budget) {
  const spots = new Map();
  for (const one of judged) {
    const spot = page.repeats[one.cell.index];
    if (one.excluded || spot === undefined) continue;
    spots.set(spot, [...(spots.get(spot) ?? []), one]);
  }
  const dropped = new Set();
  for (const members of spots.values()) {
    const sound = members.filter((one) => !one.cell.flagged);
    const [worst] = worstDevice((sound.length ? sound : members).map((one) => [one]), budget);
    const others = members.filter((one) => one !== worst);
    for (const one of others) dropped.add(one);
    worst.repeats = others.map((one) => one.cell);
    worst.units = others.filter((one) => !one.misses.length).map((one) => one.cell);
  }
  return judged.filter((one) => !dropped.has(one));
}

function keepWorstUnits(judged, budget) {
  const spots = new Map();
  for (const one of judged) {
    if (one.excluded || !one.cell.pooled) continue;
    const { spot } = one.cell.pooled;
    if (!spots.has(spot)) spots.set(spot, new Map());
    const devices = spots.get(spot);
    devices.set(one.cell.machine, [...(devices.get(one.cell.machine) ?? []), one]);
  }
  const dropped = new Set();
  for (const devices of spots.values()) {
    const worst = worstDevice([...devices.values()], budget);
    const others = [...devices.values()].filter((members) => members !== worst).flat();
    for (const one of others) dropped.add(one);
    worst[0].units = [...worst[0].units, ...others.filter((one) => !one.misses.length).map((one) => one.cell)];
  }
  return judged.filter((one) => !dropped.has(one));
}

function worstDevice(devices, budget) {
  if (devices.length === 1) return devices[0];
  const rated = devices.map((members) => {
    const each = members.map((one) => [Math.max(0, ...one.misses.map((miss) => miss.excess)), costOf(one.cell, budget)]);
    return { members, badness: each.reduce((a, b) => (compareLists(b, a) < 0 ? b : a)) };
  });
  const known = rated.filter((one) => one.badness.every(Number.isFinite));
  return (known.length ? known : rated).reduce((a, b) => (compareLists(b.badness, a.badness) > 0 ? b : a)).members;
}

function poolCautions(cell, budget) {
  if (!cell.pooled) return [];
  const { further, why } = cell.pooled;
  if (further === null) return [why];
  return page.quantities.flatMap((_, at) => {
    const limit = limitOn(cell, at, budget);
    const worst = worstOf(cell, at, budget);
    if (limit === null || worst === null || !scales(at, cell) || worst > limit || worst * further <= limit) return [];
    const quantity = quantityOf(at, budget);
    const needed = quantityText(quantity, worst * further);
    return [`${quantity.name} on a further device could be up to ${needed}, over ${quantityText(quantity, limit)}: ${why}`];
  });
}

// Whether the quantity differs between devices as the time of an inference does, or its count.
function scales(at, cell) {
  if (page.machines[cell.machine].emulated) return at === INSTRUCTIONS;
  return [LATENCY, P90, P99, PACED].includes(at);
}
