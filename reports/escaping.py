"""Escape untrusted text (a device's model, a file name, a runner's output) for Markdown and spreadsheets.

jinja2 escapes HTML, `harness.system.text` what goes to the terminal.
"""

import re

from harness.system.text import printable

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]#!|~$]|^[-+])")


def markdown(text: str) -> str:
    """Markdown that shows the text literally, also in a table: no tag, link, mention or cell border."""
    escaped = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A backslash does not stop a mention on GitHub; an invisible space after the @ does.
    return _MARKDOWN_SPECIAL.sub(r"\\\1", escaped).replace("@", "@\u200b")


def spreadsheet(text: str) -> str:
    """The text with an apostrophe in front if a spreadsheet would run it as a formula.

    OWASP, "CSV Injection": `=`, `+`, `-`, `@` begin a formula, also their full-width forms.
    """
    safe = printable(text)
    return (
        "'" + safe if safe.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")) else safe
    )
