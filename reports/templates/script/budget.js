// The budget: in the page's preset, in the address after #, and in the form.

const NO_LIMIT = "any";

function emptyBudget() {
  const limits = page.quantities.map((quantity, at) => (quantity.fixed ? page.budget.limits[at] : null));
  return { limits, minAccuracy: null, threads: [], cores: null, precisions: [], sustained: false };
}

// A sustained run has one latency, that of its plateau: no percentiles, and no rate.
function asOffered(budget) {
  if (!budget.sustained) return budget;
  if (!document.querySelector("#budget [name=sustained]")) return { ...budget, sustained: false };
  return { ...budget, limits: budget.limits.map((limit, at) => ([P90, P99].includes(at) ? null : limit)) };
}

function disableTails(form, { sustained }) {
  for (const at of [P90, P99]) {
    const field = form.elements[QUANTITY_KEYS[at]];
    if (field) field.disabled = sustained;
  }
}

// `#max-latency=20ms&min-accuracy=60%25`: the options of `harness pick`.
function toFragment(budget) {
  const words = budget.sustained ? [["sustained", "on"]] : [];
  budget.limits.forEach((limit, at) => {
    const quantity = page.quantities[at];
    if (limit !== null && !quantity.fixed) words.push([QUANTITY_KEYS[at], inUnit(limit, quantity.size) + quantity.unit]);
  });
  if (budget.minAccuracy !== null) words.push(["min-accuracy", `${inUnit(budget.minAccuracy, 0.01)}%`]);
  if (budget.threads.length) words.push(["threads", budget.threads.join(",")]);
  if (budget.cores !== null) words.push(["cores", budget.cores]);
  if (budget.precisions.length) words.push(["precision", budget.precisions.join(",")]);
  return words.length ? words.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&") : NO_LIMIT;
}

function inUnit(value, size) {
  return String(Number((value / size).toPrecision(12)));
}

// The preset without a fragment; parts that say nothing are left out.
function fromFragment(fragment) {
  if (!fragment) return { ...page.budget };
  const budget = emptyBudget();
  for (const [name, value] of new URLSearchParams(fragment)) {
    const at = QUANTITY_KEYS.indexOf(name);
    if (at >= 0 && !page.quantities[at].fixed) budget.limits[at] = withUnit(value, page.quantities[at]);
    else if (name === "min-accuracy") budget.minAccuracy = share(value);
    else if (name === "threads") budget.threads = value.split(",").map(Number).filter((count) => Number.isInteger(count) && count > 0);
    else if (name === "cores" && value) budget.cores = value;
    else if (name === "precision") budget.precisions = value.split(",").filter(Boolean);
    else if (name === "sustained") budget.sustained = true;
  }
  return asOffered(budget);
}

// Of a quantity's unit, the units that the option of `harness pick` takes, in lower case: harness/cli/units.py.
const UNITS = {
  ms: { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, min: 60e9, h: 3600e9 },
  MB: { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 },
  M: { "": 1, k: 1e3, m: 1e6, g: 1e9 },
  mJ: { uj: 1e-6, µj: 1e-6, mj: 1e-3, j: 1 },
};

// `20ms` and `0.02s` in base units; null where the unit is none of the quantity's.
function withUnit(text, quantity) {
  const [, number, unit] = /^\s*([\d.]+(?:e[-+]?\d+)?)\s*(\S*)\s*$/i.exec(text) ?? [];
  const size = UNITS[quantity.unit]?.[unit?.toLowerCase()];
  return size === undefined ? null : positive(number, size, quantity.whole);
}

// `60%` or `0.6`.
function share(text) {
  return positive(text, text.trim().endsWith("%") ? 0.01 : 1);
}

// A limit is a whole number of nanoseconds, bytes or instructions, as it is on the command line.
function positive(text, size, whole = false) {
  const value = Number.parseFloat(text) * size;
  if (!Number.isFinite(value) || value <= 0) return null;
  return whole ? Math.max(1, Math.round(value)) : value;
}

function readForm(form) {
  const budget = emptyBudget();
  page.quantities.forEach((quantity, at) => {
    const field = form.elements[QUANTITY_KEYS[at]];
    if (field) budget.limits[at] = positive(field.value, quantity.size, quantity.whole);
  });
  budget.minAccuracy = positive(form.elements["min-accuracy"].value, 0.01);
  budget.threads = checked(form, "threads").map(Number);
  budget.precisions = checked(form, "precision");
  budget.cores = form.elements.cores?.value || null;
  budget.sustained = checked(form, "sustained").length > 0;
  return asOffered(budget);
}

function checked(form, name) {
  return [...form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);
}

function fillForm(form, budget) {
  page.quantities.forEach((quantity, at) => {
    const field = form.elements[QUANTITY_KEYS[at]];
    const limit = budget.limits[at];
    if (field) field.value = limit === null ? "" : inUnit(limit, quantity.size);
  });
  disableTails(form, budget);
  form.elements["min-accuracy"].value = budget.minAccuracy === null ? "" : inUnit(budget.minAccuracy, 0.01);
  const chosen = { threads: budget.threads.map(String), precision: budget.precisions, sustained: budget.sustained ? ["on"] : [] };
  for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = chosen[box.name].includes(box.value);
  if (form.elements.cores) form.elements.cores.value = budget.cores ?? "";
}
