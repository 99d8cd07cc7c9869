// Elements of the page. Text from cells is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

function element(name, { text, ...attributes } = {}, children = []) {
  return filled(document.createElement(name), attributes, text, children);
}

function shape(name, { text, ...attributes } = {}, children = []) {
  return filled(document.createElementNS(SVG, name), attributes, text, children);
}

function filled(node, attributes, text, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

function setItems(list, texts) {
  list.replaceChildren(...texts.map((text) => element("li", { text })));
}

const KNOWN_SHAPES = {
  fp32: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
  int8: (r) => `M${-r * 0.9} ${-r * 0.9}H${r * 0.9}V${r * 0.9}H${-r * 0.9}Z`,
  fp16: (r) => `M0 ${-r * 1.15}L${r * 1.15} ${r * 0.9}H${-r * 1.15}Z`,
};

// Of a runtime beside ExecuTorch, whatever the precision: colour says that one.
const RUNTIME_SHAPES = {
  LiteRT: (r) => `M0 ${r * 1.15}L${r * 1.15} ${-r * 0.9}H${-r * 1.15}Z`,
  "ONNX Runtime": (r) => {
    const [a, b] = [r * 0.4, r * 1.1];
    return `M${-a} ${-b}H${a}V${-a}H${b}V${a}H${a}V${b}H${-a}V${a}H${-b}V${-a}H${-a}Z`;
  },
};

function markerPath(precision, r, runtime = "") {
  const other = (size) => `M0 ${-size * 1.2}L${size * 1.2} 0 0 ${size * 1.2} ${-size * 1.2} 0Z`;
  const shapes = runtime ? RUNTIME_SHAPES : KNOWN_SHAPES;
  return (shapes[runtime || precision] ?? other)(r);
}

function precisionClass(precision) {
  return `p-${precision in KNOWN_SHAPES ? precision : "other"}`;
}

function mark(precision, runtime = "") {
  const path = shape("path", { d: markerPath(precision, 4.6, runtime), transform: "translate(6 6)" });
  return shape("svg", { class: `mark ${precisionClass(precision)}`, viewBox: "0 0 12 12", "aria-hidden": "true" }, [path]);
}
