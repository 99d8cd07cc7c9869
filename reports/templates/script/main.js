// The budget decides; everything else follows it.

const form = document.getElementById("budget");
const plots = [...document.querySelectorAll(".plot")].map((figure, machine) => makePlot(machine, figure));
const pinned = [];
const tables = [...document.querySelectorAll("table.cells")].map((table) => makeTable(table, (cell) => openDrawer(cell, pin)));
let state = null;

function pin(cell) {
  const at = pinned.indexOf(cell);
  if (at >= 0) pinned.splice(at, 1);
  else pinned.push(cell);
  if (pinned.length > 2) pinned.shift();
  showComparison(pinned, () => {
    pinned.length = 0;
    showComparison(pinned);
  });
}

function follow(budget) {
  const answers = page.groups.map((_, group) => decide(group, budget));
  const fitting = new Set();
  const shipped = new Set();
  for (const answer of answers) {
    if (!answer) continue;
    if (answer.best) shipped.add(answer.best.cell.index);
    for (const one of [...answer.ranked, ...answer.setAside]) {
      for (const cell of [one.cell, ...one.others, ...one.units]) fitting.add(cell.index);
    }
  }
  state = { budget, answers, fitting, shipped };
  answers.forEach((answer, group) => showAnswer(group, describeAnswer(group, answer, budget), answer));
  showJoint(answers, budget);
  document.getElementById("fitting").textContent = `${fitting.size} of ${page.cells.length} cells fit`;
  page.groups.forEach((_, group) => showLadder(group, budget));
  for (const plot of plots) if (!plot.figure.hidden) drawPlot(plot, state);
  for (const table of tables) markRows(table, state);
}

function showAnswer(group, text, answer) {
  const article = document.querySelector(`.answer[data-group="${group}"]`);
  article.classList.toggle("none", !answer?.best);
  article.querySelector(".ask").textContent = text.kicker;
  article.querySelector(".name").textContent = text.name;
  article.querySelector(".placement").textContent = text.placement;
  article.querySelector(".file").textContent = text.file;
  setItems(article.querySelector(".figures"), text.figures);
  setItems(article.querySelector(".cautions"), text.cautions);
  setItems(article.querySelector(".why"), text.why);
}

function showLadder(group, budget) {
  const list = document.querySelector(`.ladder[data-group="${group}"]`);
  if (!list) return;
  const items = climb(group, budget).map((step) => {
    const text = describeStep(group, step);
    const item = element("li", {}, [
      element("span", { class: "from", text: text.start }),
      " ",
      element("span", { class: "step-name" }, [mark(text.precision), text.name]),
      " ",
      element("span", { class: "step-gain", text: text.gain }),
    ]);
    if (state.shipped.has(step.chosen.cell.index)) item.classList.add("shipped");
    return item;
  });
  list.replaceChildren(...items);
}

function showJoint(answers, budget) {
  const place = document.querySelector(".for-all");
  if (place) place.textContent = describeJoint(answers.filter(Boolean), budget);
}

function fromForm() {
  const budget = readForm(form);
  disableTails(form, budget);
  history.replaceState(null, "", `#${toFragment(budget)}`);
  follow(budget);
}

function fromAddress() {
  const budget = fromFragment(showPlace() ? "" : location.hash.slice(1));
  fillForm(form, budget);
  follow(budget);
}

// A fragment such as `#reason-busy` is a place in the page, which may be folded, and no budget.
function showPlace() {
  const place = document.getElementById(location.hash.slice(1));
  const folded = place?.closest("details");
  if (folded) folded.open = true;
  place?.scrollIntoView();
  return Boolean(place);
}

form.hidden = false;
document.getElementById("preset").hidden = true;
document.getElementById("tradeoff").hidden = plots.every((plot) => plot.figure.hidden);
document.getElementById("filter").hidden = false;
for (const plot of plots) followPointer(plot, pin);
form.addEventListener("input", fromForm);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(fromForm));
window.addEventListener("hashchange", () => {
  // The budget of the form stays.
  if (!showPlace()) fromAddress();
});
document.querySelector("#filter input").addEventListener("input", (event) => {
  for (const table of tables) filterTable(table, event.target.value);
});
let width = document.body.clientWidth;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  for (const plot of plots) if (!plot.figure.hidden) drawPlot(plot, state);
}).observe(document.body);
fromAddress();
