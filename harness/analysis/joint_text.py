"""The best file for all devices as text for the terminal."""

from harness.analysis.cell_text import describe, suspect_mark
from harness.analysis.program_files import ProgramFiles, describe_file
from harness.analysis.selection import ForAll, Selection
from harness.analysis.variant_labels import full_name

_JOINT = {
    "measured": "by measured accuracy",
    "published": "by published accuracy, not measured here",
    "none": "by size; no accuracy of the same data is known on all devices",
}
_MEASURED_ON_SOME = "by published accuracy; no measured one of the same data is known on all devices"


def explain_joint(selection: Selection, files: ProgramFiles) -> str:
    """The file and what it costs on each device, or that none is within the budget on all."""
    joint, count = selection.for_all, len(selection.answers)
    pooled = any(answer.pool for answer in selection.answers)
    everything = f"for all {count} devices and pools" if pooled else f"for all {count} devices"
    if joint is None:
        lacking = "within the budget" if selection.budget.limits_anything else "a candidate"
        return f"{everything}: no file is {lacking} on each of them"
    first = joint.candidates[0].cell
    lines = [f"{everything}: ship {full_name(first.variant)}, {joint_basis_text(joint)}"]
    lines += [f"  {line}" for line in describe_file(first, files)]
    lines += [
        f"  {describe(one.cell, one.measured or one.accuracy)}{suspect_mark(one.cell)}"
        for one in joint.candidates
    ]
    return "\n".join(lines)


def joint_basis_text(joint: ForAll) -> str:
    """What the best file for all devices was ranked by."""
    if joint.basis == "published" and any(one.measured for one in joint.candidates):
        return _MEASURED_ON_SOME
    return _JOINT[joint.basis]
