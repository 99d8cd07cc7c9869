// The ladder as text: reports/steps.py says the same where no script runs.

function describeStep(group, step) {
  const { emulated } = page.groups[group];
  const quantity = page.quantities[emulated ? INSTRUCTIONS : LATENCY];
  const ofWhat = emulated ? " instructions" : "";
  const { cell, accuracy } = step.chosen;
  const parts = accuracy ? [`${percent(accuracy.estimate)} %`] : [];
  if (step.more !== null) {
    const gain = step.gain === null ? "a larger network" : `${signed(step.gain, 1)} points`;
    parts.push(`${gain} for ${quantityText(quantity, Number(step.more.toPrecision(2)))}${ofWhat}`);
  }
  if (cell.flagged) parts.push("suspect");
  return {
    start: `from ${limitText(step.cost, quantity)} ${quantity.unit}${ofWhat}`,
    name: namedOn(cell),
    precision: cell.precision,
    gain: parts.join(", "),
  };
}
