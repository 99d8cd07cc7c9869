// The answer as text: reports/answers.py says the same where no script runs.

const SHOWN_NAMES = 5;

function describeAnswer(group, answer, budget) {
  if (answer === null) return withoutTime(page.groups[group].clock);
  const common = [...setAsideText(answer), ...rejectionText(answer)];
  if (!answer.best) {
    const name = answer.setAside.length ? "Nothing can be ranked" : "Nothing fits the budget";
    const why = [...nearestText(answer.nearest, budget), ...common];
    return { kicker: "No answer", name, placement: "", figures: [], why, cautions: [], file: "" };
  }
  const { cell, accuracy } = answer.best;
  const counts = page.groups[group].emulated ? ", by instruction counts only" : "";
  return {
    kicker: `Ship this${counts}`,
    name: cell.name,
    placement: cell.placement,
    figures: [costText(cell, budget), ...(accuracy ? [accuracyText(accuracy)] : []), ...figureTexts(cell, budget), cell.status],
    why: [...whyText(answer, budget), ...common],
    cautions: [...poolCautions(cell, budget), ...cautionTexts(answer)],
    file: cell.pte,
  };
}

function assumptions({ cell, measured }, budget) {
  const assumed = budget.minAccuracy !== null && !measured ? ["its published accuracy"] : [];
  if (cell.flagged) return `, if ${[...assumed, "its suspect figures"].join(" and ")} hold`;
  return assumed.length ? `, if ${assumed[0]} holds` : "";
}

// With those on what is not comparable among all that were considered: harness/analysis/cautions.py.
function cautionTexts({ basis, best, ranked, setAside }) {
  const considered = [...ranked, ...setAside].map((one) => one.cell);
  const meters = [...new Set(considered.map((cell) => cell.meter).filter(Boolean))];
  return [
    ...(basis === "measured" ? best.cell.cautions : [...best.cell.allCautions, ...quantizerTexts(considered)]),
    ...(best.cell.meter && meters.length > 1
      ? [`the energies were read by sensors that cannot be compared: ${meters.join("; ")}`]
      : []),
  ];
}

// harness/analysis/quantizers.py.
function quantizerTexts(considered) {
  const made = new Map();
  for (const cell of considered) {
    if (!cell.quantizer) continue;
    const runtime = cell.runtime || page.runtimes[0];
    made.set(runtime, (made.get(runtime) ?? new Set()).add(cell.quantizer));
  }
  if (made.size < 2) return [];
  const named = page.runtimes
    .filter((runtime) => made.has(runtime))
    .map((runtime) => `${runtime}'s by ${[...made.get(runtime)].join(" and ")}`);
  const why = "without measured accuracies these cannot be compared (--accuracy)";
  return [`each runtime's own quantizer made its int8: ${named.join(", ")}; ${why}`];
}

function whyText(answer, budget) {
  const pooled = answer.best.cell.pooled?.sentences ?? [];
  const sentences = [...pooled, rankText(answer, budget), ...answer.upgrades.map(upgradeText)];
  if (answer.probability !== null) {
    const where = onDevice(answer.best.cell);
    const chance = chanceText(answer.probability);
    sentences.push(`It meets the budget${where} with a probability of ${chance}${assumptions(answer.best, budget)}.`);
  }
  if (answer.best.repeats.length) {
    const measured = [answer.best.cell, ...answer.best.repeats];
    const least = measured.reduce((a, b) => (costOf(b, budget) < costOf(a, budget) ? b : a));
    const most = measured.reduce((a, b) => (costOf(b, budget) > costOf(a, budget) ? b : a));
    const counts = answer.best.cell.status === "valid" ? "valid one counts" : "counts";
    const ends = `from ${costText(least, budget)} to ${costText(most, budget)}`;
    sentences.push(`Measured ${measured.length} times, ${ends}: the costliest ${counts}.`);
  }
  if (answer.best.others.length) {
    const others = answer.best.others
      .map((cell) => `${cell.placement}${onDevice(cell)} (${costText(cell, budget)}${suspectMark(cell)})`)
      .join("; ");
    const also = limitsAnything(budget) ? "Also within the budget" : "Also measured";
    sentences.push(`${also}: ${others}.`);
  }
  if (answer.ranked.length > 1) {
    const { cell, accuracy } = answer.ranked[1];
    const known = accuracy ? `, ${accuracyText(accuracy)}` : "";
    sentences.push(`Runner-up${suspectMark(cell)}: ${namedOn(cell)}: ${costText(cell, budget)}${known}.`);
  }
  return sentences;
}

function rankText(answer, budget) {
  const count = answer.ranked.length;
  const limited = limitsAnything(budget);
  const of = `${count} ${limited ? "within the budget" : "candidates"}`;
  if (count === 1) {
    const kept = limited ? " within the budget" : "";
    return `The only candidate${kept}${answer.setAside.length ? " that can be ranked" : ""}.`;
  }
  const valid = answer.best.cell.status === "valid" ? " valid" : "";
  if (answer.basis === "none" && answer.best.cell.macs === null) {
    return `The cheapest${valid} of ${of}: the accuracy of own programs is not known.`;
  }
  const basis = {
    measured: `, measured on ${page.data[answer.data]}`,
    published: ", by published accuracy, not measured here",
    none: "",
  }[answer.basis];
  const quality = answer.basis === "none" ? "largest" : "most accurate";
  const unknown = answer.basis === "none" ? ": no accuracy is known, neither measured nor published" : "";
  if (answer.tied === 1) return `The ${quality} of ${of}${basis}${unknown}.`;
  const alike = answer.basis === "none" ? "are equally large" : "cannot be distinguished";
  const counted = limited ? `${count} are within the budget` : `there are ${of}`;
  return `The cheapest${valid} one of the ${answer.tied} ${quality}, which ${alike}${basis}${unknown}; ${counted}.`;
}

function upgradeText(upgrade) {
  const gain = upgrade.gain === null ? "a larger network" : `${signed(upgrade.gain, 1)} points`;
  const name = namedOn(upgrade.cell) + suspectMark(upgrade.cell);
  if (upgrade.misses.length > 1) {
    const reasons = upgrade.misses.map((miss) => miss.reason).join("; ");
    return `The next better one, ${name} (${gain}), misses several limits: ${reasons}.`;
  }
  const [miss] = upgrade.misses;
  const excess = miss.needed - miss.allowed;
  if (!miss.quantity) {
    return `The ${miss.limit} limit decides: ${percent(Math.abs(excess))} points less admits ${gain}: ${name}.`;
  }
  const rate =
    upgrade.gain === null
      ? ""
      : ` (${significant((upgrade.gain / excess) * miss.quantity.size, 2)} points per ${miss.quantity.unit})`;
  const more = quantityText(miss.quantity, excess);
  return `The ${miss.limit} limit decides: ${more} more buys ${gain}${rate}: ${name}.`;
}

function nearestText(nearest, budget) {
  if (!nearest) return [];
  const relaxed = nearest.misses.map((miss) => `Its ${miss.reason}: ${advice(miss)}.`);
  return [`Nearest${suspectMark(nearest.cell)}: ${namedOn(nearest.cell)}: ${costText(nearest.cell, budget)}.`, ...relaxed];
}

// What a cell does at another rate is known only once that was measured.
function advice(miss) {
  if (miss.needed === null) return `measure it, or leave out ${miss.option}`;
  if (miss.quantity?.fixed) {
    const rate = roundedDown(1e9 / miss.needed);
    if (rate < page.lowestRateHz) return `no rate from ${short(page.lowestRateHz)}/s on is slow enough`;
    return `measure at a lower rate: harness run --rate ${plainly(rate)}`;
  }
  const value = optionValue(miss);
  return value ? `relax ${miss.option} to ${value}` : `leave out ${miss.option}`;
}

// Rounded to the safe side, so that the option admits the cell; empty where nothing does.
function optionValue(miss) {
  if (!miss.needed) return "";
  if (miss.quantity) return limitText(miss.needed, miss.quantity) + miss.quantity.unit;
  return `${short(Math.floor(miss.needed * 1000) / 10 || roundedDown(100 * miss.needed))}%`;
}

function setAsideText(answer) {
  if (!answer.setAside.length) return [];
  const why = {
    measured: "accuracy on the same data",
    published: "published accuracy",
    none: "an accuracy or a size of the network",
  }[answer.basis];
  const names = answer.setAside.map((one) => namedOn(one.cell));
  const more = names.length > SHOWN_NAMES ? `; and ${names.length - SHOWN_NAMES} more` : "";
  return [`Set aside, without ${why}: ${names.slice(0, SHOWN_NAMES).join("; ")}${more}.`];
}

function rejectionText({ rejected }) {
  if (!rejected.length) return [];
  const counts = new Map();
  for (const one of rejected) {
    for (const kind of rejectionKinds(one)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const listed = [...counts].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${count} ${kind}`);
  const cells = rejected.length === 1 ? "1 cell" : `${rejected.length} cells`;
  return [`Rejected: ${cells} (${listed.join(", ")}).`];
}

function rejectionKinds(one) {
  if (one.excluded) return [one.excluded];
  return one.misses.map(missKind);
}

// A cell without the figure is not over its limit.
function missKind(miss) {
  if (miss.needed === null) return `without a figure for the ${miss.limit}`;
  return miss.quantity ? `over the ${miss.limit} limit` : "under the minimum accuracy";
}

function withoutTime(clock) {
  const why =
    `The clock is ${clock}: its times cannot be compared with a budget in milliseconds. Limit` +
    " instructions instead (--max-instructions 60M), or measure on a real device.";
  return { kicker: "Counts only", name: "No times here", placement: "", figures: [], why: [why], cautions: [], file: "" };
}

// Never 100 %: the tails are extrapolated from a few processes.
function chanceText(probability) {
  return probability > 0.99 ? "over 99 %" : `${fixed(100 * probability, 0)} %`;
}
