"""What each reason of a verdict means, as docs/verdicts.md says: a page holds it for the codes of its cells.

The wheel carries that file beside this one (`.ci/wheel_layout.py`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.system.paths import PROJECT

_PACKAGED = Path(__file__).with_name("verdicts.md")
_IN_REPOSITORY = PROJECT / "docs" / "verdicts.md"
_ROW = re.compile(r'\| <a id="(?P<code>[a-z_]+)"></a>`(?P=code)` \|(?P<fields>.*)\|')
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Words:
    """A part of a text: in a fixed-width font where it is `code`."""

    text: str
    code: bool


Text = tuple[Words, ...]


@dataclass(frozen=True)
class Explanation:
    """A row of the table of reasons; `source` is empty where the rule needs none."""

    code: str
    severity: str
    affects: str
    rule: Text
    threshold: Text
    source: Text


def explain(codes: Iterable[str]) -> tuple[Explanation, ...]:
    """The explanations of these codes, in the table's order; without those that the table does not have."""
    wanted = set(codes)
    return tuple(one for code, one in _explanations().items() if code in wanted)


@cache
def _explanations() -> dict[str, Explanation]:
    path = _PACKAGED if _PACKAGED.is_file() else _IN_REPOSITORY
    if not path.is_file():  # the package was copied without its data
        return {}
    found = (_read_row(match) for match in map(_ROW.fullmatch, path.read_text("utf-8").splitlines()) if match)
    return {one.code: one for one in found}


def _read_row(match: re.Match[str]) -> Explanation:
    severity, affects, *texts = (field.strip() for field in match["fields"].split("|"))
    rule, threshold, source = map(_words, texts)
    return Explanation(match["code"], severity, affects, rule, threshold, source)


def _words(text: str) -> Text:
    """Every other part between backticks is code; of a link its text stays."""
    parts = _LINK.sub(r"\1", text).split("`")
    return tuple(Words(part, at % 2 == 1) for at, part in enumerate(parts) if part)
