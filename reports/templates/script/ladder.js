// The ladder as text: reports/steps.py says the same where no script runs.

function describeStep(machine, step) {
  const quantity = page.quantities[page.machines[machine].emulated ? INSTRUCTIONS : LATENCY];
  const { cell, accuracy } = step.chosen;
  const parts = accuracy ? [`${percent(accuracy.estimate)} %`] : [];
  if (step.more !== null) {
    const gain = step.gain === null ? "a larger network" : `${signed(step.gain, 1)} points`;
    parts.push(`${gain} for ${quantityText(quantity, step.more)}`);
  }
  return {
    start: `from ${quantityText(quantity, roundUp(step.cost / 1e6) * 1e6)}`,
    name: placedName(cell),
    precision: cell.precision,
    gain: parts.join(", "),
  };
}

// To three significant digits: a budget of this value admits the step's cell.
function roundUp(value) {
  const place = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Math.ceil(value / place) * place;
}
