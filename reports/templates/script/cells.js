// The table of all cells: sorted by a column, filtered by words, a row opens the drawer.

const SORT_KEYS = {
  name: (cell) => [cell.width, cell.side, cell.precision, cell.name],
  placement: (cell) => [cell.threads, cell.placement],
  cost: (cell) => [page.machines[cell.machine].emulated ? cell.instructions : cell.latency?.[1]],
  p90: (cell) => [cell.p90?.[1]],
  startup: (cell) => [cell.startup],
  cold: (cell) => [cell.cold],
  sustained: (cell) => [cell.sustained?.[1]],
  retained: (cell) => [cell.retained],
  energy: (cell) => [cell.energy?.[1]],
  memory: (cell) => [cell.worst[MEMORY]],
  size: (cell) => [cell.size],
  macs: (cell) => [cell.macs],
  accuracy: (cell) => [(knownAccuracies(cell).measured ?? knownAccuracies(cell).published)?.estimate],
  status: (cell) => [["valid", "suspect", "invalid"].indexOf(cell.status), statusText(cell)],
};

function makeTable(table, onOpen) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, cell: page.cells[Number(row.dataset.cell)] }));
  const made = { table, body, rows };
  for (const { row, cell } of rows) {
    const head = row.cells[0];
    const button = element("button", { type: "button", class: "open" });
    button.append(...head.childNodes);
    head.append(button);
    row.addEventListener("click", () => onOpen(cell));
  }
  for (const head of table.querySelectorAll("thead th[data-key]")) {
    const button = element("button", { type: "button", text: head.textContent });
    head.replaceChildren(button);
    button.addEventListener("click", () => sortTable(made, head));
  }
  // In a box that scrolls sideways the head sticks to the box, which leaves the window with the first rows.
  new ResizeObserver(([{ target }]) => {
    target.classList.toggle("whole", target.scrollWidth <= target.clientWidth);
  }).observe(table.parentElement);
  return made;
}

function sortTable(made, head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of made.table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = SORT_KEYS[head.dataset.key];
  const keyed = made.rows.map((one) => ({ ...one, values: key(one.cell) }));
  keyed.sort((a, b) => {
    const missing = Number(a.values[0] === undefined || a.values[0] === null) - Number(b.values[0] === undefined || b.values[0] === null);
    return missing || (down ? -1 : 1) * compareLists(a.values, b.values) || a.cell.index - b.cell.index;
  });
  made.body.append(...keyed.map((one) => one.row));
}

function filterTable(made, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { row, cell } of made.rows) {
    const searched = `${placedName(cell)} ${statusText(cell)}`.toLowerCase();
    row.hidden = !words.every((word) => searched.includes(word));
  }
}

function markRows(made, state) {
  for (const { row, cell } of made.rows) {
    row.classList.toggle("unfit", !state.fitting.has(cell.index));
    row.classList.toggle("shipped", state.shipped.has(cell.index));
  }
}
