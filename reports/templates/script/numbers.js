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

// The smallest number of a quantity's unit with three digits that admits what is needed.
function limitText(needed, { size, whole }) {
  const base = whole ? Math.ceil(needed) : needed;
  const [digits, place] = threeDigits(base / size);
  return plain(Number(`${digits}e${place}`) * size < base ? digits + 1 : digits, place);
}

// To three significant digits, never above the value.
function roundedDown(value) {
  const [digits, place] = threeDigits(value);
  const rounded = Number(`${digits}e${place}`);
  return rounded <= value ? rounded : Number(`${digits - 1}e${place}`);
}

// Three digits as a whole number, and the power of ten that the last of them counts.
function threeDigits(value) {
  const [mantissa, exponent] = value.toExponential(2).split("e");
  return [Number(mantissa.replace(".", "")), Number(exponent) - 2];
}

// Without an exponent, and without zeros at the end.
function plain(digits, place) {
  const text = Number(`${digits}e${place}`).toFixed(Math.max(0, -place));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function plainly(value) {
  return value === 0 ? "0" : plain(...threeDigits(value));
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
