// Everything that is known of one cell, in a dialog.

function openDrawer(cell, onPin) {
  const dialog = document.getElementById("drawer");
  const known = knownAccuracies(cell);
  const accuracy = known.measured ?? known.published;
  const figures = [cell.cost, ...(accuracy ? [accuracyText(accuracy)] : []), ...cell.figures];
  const close = element("button", { type: "button", text: "Close" });
  close.addEventListener("click", () => dialog.close());
  const pin = element("button", { type: "button", text: "Pin to compare" });
  pin.addEventListener("click", () => {
    dialog.close();
    onPin(cell);
  });
  dialog.replaceChildren(
    element("h2", { id: "drawer-name" }, [mark(cell.precision, cell.runtime), cell.name]),
    element("p", { class: "placement", text: `${cell.placement}, on ${page.machines[cell.machine].title}` }),
    element("ul", { class: "figures" }, figures.map((text) => element("li", { text }))),
    element("p", { class: `status ${cell.status}`, text: cell.failed ? "failed" : cell.status }),
    element("ul", { class: "why" }, cell.reasons.map(([code, , detail]) => element("li", { text: `${code}: ${detail}` }))),
    ...drawStrips(cell),
    element("dl", { class: "facts" }, detailsOf(cell)),
    element("p", { class: "file", text: cell.pte }),
    element("p", { class: "buttons" }, [pin, close]),
  );
  dialog.showModal();
}

// A cell's details are the numbers of texts: of a name, of what is said, and so on in turn.
function detailsOf(cell) {
  const texts = cell.details.map((number) => page.texts[number]);
  return texts.flatMap((name, at) => at % 2 ? [] : [element("div", {}, [element("dt", { text: name }), element("dd", { text: texts[at + 1] })])]);
}

// A strip for each process, as in the section on distributions.
function drawStrips(cell) {
  if (!cell.strips.length || page.machines[cell.machine].emulated) return [];
  const ends = cell.strips.flatMap((strip) => [strip[1], strip[5]]);
  const [low, high] = [Math.min(-10, ...ends), Math.max(10, ...ends)];
  const place = linearScale(low - 2, high + 2, 0, 100);
  const height = cell.strips.length * 8 + 6;
  const line = (kind, from, to, y1, y2) =>
    shape("line", { class: kind, x1: `${place(from)}%`, x2: `${place(to)}%`, y1, y2 });
  const lines = cell.strips.flatMap((strip, at) => {
    const y = at * 8 + 7;
    return [line("thin", strip[1], strip[5], y, y), line("thick", strip[2], strip[4], y, y), line("middle", strip[3], strip[3], y - 4, y + 4)];
  });
  const scale = [low, 0, high].map((value) => {
    const text = value ? `${signed(value / 10, 1)} %` : "median";
    const anchor = value === low ? "start" : value === high ? "end" : "";
    return shape("text", { class: anchor, x: `${place(value)}%`, y: 13, text });
  });
  return [
    element("p", { class: "hint", text: "Each process: 5 to 95 % of its inferences, the middle half, the median." }),
    shape("svg", { class: `strip ${precisionClass(cell.precision)}`, height, "aria-hidden": "true" }, [line("reference", 0, 0, 0, height), ...lines]),
    shape("svg", { class: "axis", "aria-hidden": "true" }, scale),
  ];
}
