// Numbers as text, digit for digit as harness/analysis/quantities.py and reports/numbers.py print them.

// Rounds half to even, as Python does; toFixed rounds an exact half up.
function fixed(value, places) {
  const rounded = value.toFixed(places);
  const exact = value.toFixed(Math.min(100, places + 60));
  const rest = exact.slice(exact.indexOf(".") + 1 + places);
  if (!/^50*$/.test(rest)) return rounded;
  const down = exact.slice(0, exact.length - rest.length).replace(/\.$/, "");
  return Number(down.at(-1)) % 2 ? rounded : down;
}

function grouped(text) {
  const [whole, fraction] = text.split(".");
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

function placesFor(value, digits) {
  return Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
}

function significant(value, digits = 3) {
  return value === 0 ? "0" : grouped(fixed(value, placesFor(value, digits)));
}

function short(value) {
  if (value >= 1000) return grouped(fixed(value, 0));
  if (value === 0) return "0";
  const text = fixed(value, placesFor(value, 4));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function percent(share) {
  return fixed(100 * share, 1);
}

function signed(value, places) {
  return (value < 0 ? "" : "+") + fixed(value, places);
}

function withEnds(estimate, low, high) {
  const widest = Math.max(high - estimate, estimate - low);
  if (!(widest > 0)) return significant(estimate, 5);
  const places = Math.min(placesFor(widest, 2), 6);
  const [middle, from, to] = [estimate, low, high].map((value) => grouped(fixed(value, places)));
  return `${middle} (${from}–${to})`;
}
