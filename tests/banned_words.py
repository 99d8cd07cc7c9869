"""Words of a private dialect that no user shall meet, and the field's word for each.

The left columns of the project's word list. A pattern matches whole words in any case.
"""

import re

BANNED = {
    r"mend(s|ed|ing)?": "hint, fix",
    r"depart(s|ed|ure|ures)?": "differs, divergence, first mismatch",
    r"tiers?": "stage",
    r"soundness|disturbances?": "result checks, environment checks",
    r"irregularit(y|ies)": "sample shape",
    r"leftovers?": "orphaned process",
    r"adopt(s|ed|ing)?": "reattach",
    r"quieting|made quiet|quiet\.sh": "tuning, tuned, tune.sh",
    r"run_exactly": "run_verified",
    r"lives (here|there)": "runs on this host",
    r"doubts?": "flags",
    r"teaching|bears? int8": "train, recover int8 accuracy",
    r"translators?": "emulator",
    r"lost points|points lost": "accuracy drop (pp)",
    r"tell|tells|told": "report, log, record",
    r"fell out": "rejected",
    r"contradict(s|ed|ion|ions)?": "conflicting options",
    r"anew": "again",
    r"of its own": "its own, separate",
    r"(at most|for|least|most|exactly) so (many|much|long)|so many|so long": "this many, this long",
    r"whoever|lest|meanwhile": "a plain word",
    r"hears? of": "is given",
    r"spoil(s|t|ed|ing)?": "distort",
    r"full clock": "a lower clock that can be sustained",
    r"what to do:": "hint:",
    r"bootstrap intervals?": "confidence interval from order statistics",
}


def find_banned(text: str) -> list[str]:
    """Each banned word of a text, with its line and the word to use."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, better in BANNED.items():
            if match := re.search(rf"(?<!\w)({pattern})(?!\w)", line, re.IGNORECASE):
                found.append(f"line {number}: {match[0]!r}, write: {better}")
    return found
