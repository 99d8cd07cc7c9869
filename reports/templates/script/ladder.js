// The ladder as text: reports/steps.py says the same where no script runs.

function describeStep(group, step) {
  const { emulated } = page.groups[group];
  const quantity = page.quantities[emulated ? INSTRUCTIONS : LATENCY];
  const costText = (cost) => quantityText(quantity, cost) + (emulated ? " instructions" : "");
  const { cell, accuracy } = step.chosen;
  const parts = accuracy ? [`${percent(accuracy.estimate)} %`] : [];
  if (step.more !== null) {
    const gain = step.gain === null ? "a larger network" : `${signed(step.gain, 1)} points`;
    parts.push(`${gain} for ${costText(Number(step.more.toPrecision(2)))}`);
  }
  if (cell.status === "suspect") parts.push("suspect");
  return {
    start: `from ${costText(roundUp(step.cost / 1e6) * 1e6)}`,
    name: namedOn(cell),
    precision: cell.precision,
    gain: parts.join(", "),
  };
}

// To three significant digits: a budget of this value admits the step's cell.
function roundUp(value) {
  const place = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Math.ceil(value / place) * place;
}
