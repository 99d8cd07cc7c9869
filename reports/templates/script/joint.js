// The best single file for all devices: find_for_all in harness/analysis/selection.py, and its text.

function describeJoint(answers, budget) {
  if (answers.length < 2) return "";
  const joint = findJoint(answers, budget);
  const pools = answers.some((answer) => page.groups[answer.group].pool) ? " and pools" : "";
  const everything = `For all ${answers.length} devices${pools}`;
  const lacking = limitsAnything(budget) ? "within the budget" : "a candidate";
  if (!joint) return `${everything}: no file is ${lacking} on each of them.`;
  const costs = joint.members
    .map(({ cell }, at) => {
      const { title } = page.groups[answers[at].group];
      return `on ${title} ${costText(cell, budget)}, ${cell.placement}${suspectMark(cell)}`;
    })
    .join("; ");
  return `${everything}: ${joint.members[0].cell.name}, ${jointBasisText(joint)}: ${costs}.`;
}

function jointBasisText({ basis, members }) {
  if (basis === "published" && members.some((one) => one.measured)) {
    return "by published accuracy; no measured one of the same data is known on all devices";
  }
  return {
    measured: "by measured accuracy",
    published: "by published accuracy, not measured here",
    none: "by size; no accuracy of the same data is known on all devices",
  }[basis];
}

// As findBasis, of accuracies that a file has on all devices, on the same data.
function findJointBasis(shared) {
  for (const basis of ["measured", "published"]) {
    const ofAll = (members) => (members.every((one) => one[basis]?.data === members[0][basis]?.data) ? members[0][basis] : null);
    const data = bestData(shared.map(ofAll));
    if (data !== null) return { basis, data };
  }
  return { basis: "none", data: shared.some(([first]) => first.cell.macs) ? SIZE : null };
}

function findJoint(answers, budget) {
  const byKey = answers.map(
    (answer) => new Map([...answer.ranked, ...answer.setAside].map((one) => [page.files[one.cell.file].key, one])),
  );
  const common = [...byKey[0].keys()]
    .filter((key) => byKey.every((members) => members.has(key)))
    .map((key) => byKey.map((members) => members.get(key)));
  const basis = findJointBasis(common);
  const shared = common
    .map((members) => members.map((one) => onBasis(one, basis)))
    .filter((members) => members.every(Boolean));
  if (!shared.length) return null;
  const lowest = (members) => Math.min(...members.map((one) => one.quality));
  const leader = shared.reduce((best, one) => (lowest(one) > lowest(best) ? one : best));
  const group = shared.filter((members) => members.every((one, at) => isTied(leader[at], one)));
  const order = (members) => [
    Number(members.some((one) => one.cell.flagged)),
    members.reduce((sum, one) => sum + Math.log(costOf(one.cell, budget)), 0),
    members[0].cell.size,
  ];
  return { basis: basis.basis, members: group.reduce((a, b) => (compareLists(order(b), order(a)) < 0 ? b : a)) };
}
