"""Untrusted text (a device's model, a file's name, a runner's last words) made safe where it is shown.

HTML is escaped by jinja2; the terminal by `harness.system.text`; here are Markdown and spreadsheets.
"""

import re

from harness.system.text import printable

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]#!|~$]|^[-+])")


def markdown(text: str) -> str:
    """The text as Markdown shows it literally, also inside a table: no tag, link, mention or cell border."""
    escaped = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A backslash does not stop a mention on GitHub; an invisible space after the @ does.
    return _MARKDOWN_SPECIAL.sub(r"\\\1", escaped).replace("@", "@\u200b")


def spreadsheet(text: str) -> str:
    """The text as a spreadsheet shows it literally: what begins like a formula gets an apostrophe.

    OWASP, "CSV Injection": `=`, `+`, `-`, `@` begin a formula, also their full-width forms.
    """
    safe = printable(text)
    return (
        "'" + safe if safe.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")) else safe
    )
