// The document that the page carries, its cells as objects.

const page = JSON.parse(document.getElementById("document").textContent);
page.cells = page.cells.map((values, index) => {
  const cell = { index };
  page.fields.forEach((field, at) => {
    cell[field] = values[at];
  });
  cell.cautions = cell.cautions.map((number) => page.texts[number]);
  cell.meter = cell.meter === null ? "" : page.texts[cell.meter];
  cell.allCautions = cell.allCautions.map((number) => page.texts[number]);
  cell.pooled = page.pooled[index] ?? null;
  cell.pte = page.files[cell.file].name;
  cell.usable = !cell.failed && cell.status !== "invalid";
  return cell;
});

const QUANTITY_KEYS = page.quantities.map((quantity) => quantity.option.slice(2));
const [LATENCY, P90, P99, , INSTRUCTIONS, MEMORY] = page.quantities.keys();
const PACED = page.quantities.findIndex((quantity) => quantity.fixed);

// Whether the budget means the plateau of this cell's sustained run.
function meansPlateau(cell, budget) {
  return Boolean(budget.sustained && cell.sustained && !page.machines[cell.machine].emulated);
}

// What an inference costs, as the budget means it, and the figures beside that: reports/cell_figures.py.
function costText(cell, budget) {
  return meansPlateau(cell, budget) ? cell.figures[0] : cell.cost;
}

function figureTexts(cell, budget) {
  return meansPlateau(cell, budget) ? [`${cell.cost} cool`, ...cell.figures.slice(1)] : cell.figures;
}

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

function suspectMark(cell) {
  return cell.flagged ? ", suspect" : "";
}

function quantityText(quantity, value) {
  return `${short(value / quantity.size)} ${quantity.unit}`;
}
