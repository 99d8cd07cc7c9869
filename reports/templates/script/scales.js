// Axes: values to pixels, and round values to label.

function linearScale(low, high, from, to) {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

function logScale(low, high, from, to) {
  const linear = linearScale(Math.log(low), Math.log(high), from, to);
  return (value) => linear(Math.log(value));
}

function linearTicks(low, high, most) {
  for (let exponent = -12; exponent < 16; exponent += 1) {
    for (const factor of [1, 2, 5]) {
      const step = factor * 10 ** exponent;
      if ((high - low) / step > most) continue;
      const ticks = [];
      for (let index = Math.ceil(low / step); index * step <= high; index += 1) {
        ticks.push(Number((index * step).toPrecision(12)));
      }
      return ticks;
    }
  }
  return [];
}

// 1, 2, 5, 10, …; over less than a factor of four, linear ones.
function logTicks(low, high, most) {
  if (high / low < 4) return linearTicks(low, high, most);
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent += 1) {
      for (const factor of factors) {
        const value = Number((factor * 10 ** exponent).toPrecision(6));
        if (value >= low && value <= high) ticks.push(value);
      }
    }
    if (ticks.length <= most || factors.length === 1) return ticks;
  }
  return [];
}
