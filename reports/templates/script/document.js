// The document that the page carries, its cells as objects.

const page = JSON.parse(document.getElementById("document").textContent);
page.cells = page.cells.map((values, index) => {
  const cell = { index };
  page.fields.forEach((field, at) => {
    cell[field] = values[at];
  });
  cell.cautions = cell.cautions.map((number) => page.texts[number]);
  cell.allCautions = cell.allCautions.map((number) => page.texts[number]);
  cell.pooled = page.pooled[index] ?? null;
  cell.pte = page.files[cell.file].name;
  cell.usable = !cell.failed && cell.status !== "invalid";
  return cell;
});

const QUANTITY_KEYS = page.quantities.map((quantity) => quantity.option.slice(2));
const [LATENCY, P90, P99, , INSTRUCTIONS, MEMORY] = page.quantities.keys();

function cellsOf(machine) {
  return page.cells.filter((cell) => cell.machine === machine);
}

// Those that one answer is for: of a device, or of all devices of a pool.
function cellsOfGroup(group) {
  return page.cells.filter((cell) => page.groups[group].machines.includes(cell.machine));
}

function placedName(cell) {
  return cell.placement === "1 thread" ? cell.name : `${cell.name}, ${cell.placement}`;
}

// Which device of a pool measured the cell; empty where there is only one.
function onDevice(cell) {
  return cell.pooled ? ` on ${cell.pooled.device}` : "";
}

function namedOn(cell) {
  return placedName(cell) + onDevice(cell);
}

function quantityText(quantity, value) {
  return `${short(value / quantity.size)} ${quantity.unit}`;
}
