// The best single file for all devices: find_for_all in harness/analysis/selection.py, and its text.

function describeJoint(answers, budget) {
  if (answers.length < 2) return "";
  const joint = findJoint(answers, budget);
  const pools = answers.some((answer) => page.groups[answer.group].pool) ? " and pools" : "";
  const everything = `For all ${answers.length} devices${pools}`;
  const lacking = limitsAnything(budget) ? "within the budget" : "a candidate";
  if (!joint) return `${everything}: no file is ${lacking} on each of them.`;
  const basis = {
    measured: "by measured accuracy",
    published: "by published accuracy, not measured here",
    none: "by size; no accuracy of the same data is known on all devices",
  }[joint.basis];
  const costs = joint.members
    .map(({ cell }, at) => {
      const { title } = page.groups[answers[at].group];
      return `on ${title} ${costText(cell, budget)}, ${cell.placement}${suspectMark(cell)}`;
    })
    .join("; ");
  return `${everything}: ${joint.members[0].cell.name}, ${basis}: ${costs}.`;
}

function findJoint(answers, budget) {
  const alike = answers.every(({ basis, data }) => basis === answers[0].basis && data === answers[0].data);
  const basis = alike ? answers[0].basis : "none";
  const byKey = answers.map((answer) => {
    const candidates = [...answer.ranked, ...(basis === "none" ? answer.setAside : [])];
    return new Map(candidates.map((one) => [page.files[one.cell.file].key, one]));
  });
  let shared = [...byKey[0].keys()]
    .filter((key) => byKey.every((members) => members.has(key)))
    .map((key) => byKey.map((members) => members.get(key)));
  if (basis === "none") {
    shared = shared.map((members) => members.map((one) => ({ ...one, accuracy: null, quality: one.cell.macs ?? 0 })));
  }
  if (!shared.length) return null;
  const lowest = (members) => Math.min(...members.map((one) => one.quality));
  const leader = shared.reduce((best, one) => (lowest(one) > lowest(best) ? one : best));
  const group = shared.filter((members) => members.every((one, at) => isTied(leader[at], one)));
  const order = (members) => [
    Number(members.some((one) => one.cell.status !== "valid")),
    members.reduce((sum, one) => sum + Math.log(costOf(one.cell, budget)), 0),
    members[0].cell.size,
  ];
  return { basis, members: group.reduce((a, b) => (compareLists(order(b), order(a)) < 0 ? b : a)) };
}
