"""Escape untrusted text (a device's model, a file name, a runner's output) for spreadsheets.

jinja2 escapes HTML, `harness.system.text` Markdown and what goes to the terminal.
"""

import re

from harness.system.text import printable

# OWASP, "CSV Injection": `=`, `+`, `-`, `@` begin a formula, also their full-width forms. Where the list
# separator is `;`, a spreadsheet begins a cell after each of them, whatever quotes stand further left.
_FORMULA = re.compile('((?:^|;)[ "]*)(?=[-=+@\uff1d\uff0b\uff0d\uff20])')


def spreadsheet(text: str) -> str:
    """The text with an apostrophe in front of what a spreadsheet would run as a formula."""
    return _FORMULA.sub(r"\1'", printable(text))
