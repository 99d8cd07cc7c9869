// The card of the cell under the pointer, under a finger, or reached by the arrow keys.

const REACH_PX = 28;

function followPointer(plot, onPin) {
  const { canvas } = plot;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "group");
  canvas.setAttribute("aria-label", `Plot of ${page.machines[plot.machine].title}: arrow keys go from cell to cell, Enter pins one`);
  canvas.addEventListener("pointermove", (event) => activate(plot, nearestPoint(plot, event)));
  canvas.addEventListener("pointerleave", () => activate(plot, null));
  canvas.addEventListener("blur", () => activate(plot, null));
  canvas.addEventListener("click", (event) => {
    const point = nearestPoint(plot, event);
    activate(plot, point);
    if (point && !point.predicted) onPin(point.cell);
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
    if (event.key in moves && plot.points.length) {
      const at = plot.points.indexOf(plot.active) + moves[event.key];
      activate(plot, plot.points[(at + plot.points.length) % plot.points.length]);
    } else if (event.key === "Enter" && plot.active && !plot.active.predicted) onPin(plot.active.cell);
    else if (event.key === "Escape") activate(plot, null);
    else return;
    event.preventDefault();
  });
}

function nearestPoint(plot, event) {
  const ends = plot.svg.getBoundingClientRect();
  const [x, y] = [event.clientX - ends.left, event.clientY - ends.top];
  let nearest = null;
  let distance = REACH_PX;
  for (const point of plot.points) {
    const away = Math.hypot(point.place[0] - x, point.place[1] - y);
    if (away < distance) [nearest, distance] = [point, away];
  }
  return nearest;
}

function activate(plot, point) {
  if (plot.active === point) return;
  plot.active = point;
  showActive(plot);
}

function showActive(plot) {
  const card = document.getElementById("card");
  const point = plot.active;
  plot.halo.setAttribute("visibility", point ? "visible" : "hidden");
  if (!point) {
    if (card.dataset.machine === String(plot.machine)) card.hidden = true;
    return;
  }
  plot.halo.setAttribute("cx", point.place[0]);
  plot.halo.setAttribute("cy", point.place[1]);
  const { cell, accuracy } = point;
  const texts = [cell.placement, costText(cell, plot.budget), ...(accuracy ? [accuracyText(accuracy)] : []), ...figureTexts(cell, plot.budget)];
  card.dataset.machine = plot.machine;
  card.replaceChildren(
    element("strong", {}, [mark(cell.precision, cell.runtime), cell.name]),
    ...texts.map((text) => element("span", { text })),
    element("span", { class: `status ${cell.status}`, text: statusText(cell) }),
  );
  card.hidden = false;
  const ends = plot.svg.getBoundingClientRect();
  const left = ends.left + window.scrollX + point.place[0];
  const space = document.documentElement.clientWidth - card.offsetWidth - 8;
  card.style.left = `${Math.max(8, Math.min(left + 16, space))}px`;
  card.style.top = `${ends.top + window.scrollY + point.place[1] + 18}px`;
}

function statusText(cell) {
  if (cell.status === "predicted") return "predicted, not measured";
  const codes = cell.reasons.filter(([, severity]) => severity !== "info").map(([code]) => code);
  const status = cell.failed ? "failed" : cell.status;
  return codes.length ? `${status}: ${codes.join(", ")}` : status;
}
