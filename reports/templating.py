"""The templates, compiled once, and the page's style and script with their digests."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from harness.analysis.precisions import PRECISIONS, UNKNOWN_STYLE, Style
from harness.system.text import markdown

_TEMPLATES = Path(__file__).with_name("templates")
# In the order in which one needs the other.
SCRIPTS = (
    "numbers",
    "document",
    "accuracy",
    "chance",
    "decision",
    "units",
    "ladder",
    "joint",
    "answer",
    "budget",
    "elements",
    "scales",
    "plot",
    "card",
    "comparison",
    "cells",
    "drawer",
    "main",
)
_SHAPES = {
    "o": '<circle cx="6" cy="6" r="4.4"/>',
    "s": '<rect x="1.8" y="1.8" width="8.4" height="8.4"/>',
    "^": '<path d="M6 1.2 11 10.4H1Z"/>',
    "D": '<path d="M6 .6 11.4 6 6 11.4 .6 6Z"/>',
}


def find_template(name: str) -> Template:
    """A compiled template; HTML is escaped, Markdown escapes by the filter `md`."""
    return _environment(escape=name.endswith(".html.j2")).get_template(name)


@cache
def _environment(*, escape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {
        "md": markdown,
        "safe_id": safe_id,
        "precision_class": precision_class,
    }
    environment.globals["markers"] = {name: _SHAPES[one.marker] for name, one in _styles().items()}
    return environment


@cache
def page_style() -> str:
    """The style sheet with the colour of each precision."""
    colours = "".join(f".p-{name} {{ --light: {one.colour}; }}\n" for name, one in _styles().items())
    return _read("style.css") + _read("page.css") + colours


@cache
def history_style() -> str:
    """The style sheet of the page of a history."""
    return _read("style.css") + _read("history.css")


@cache
def page_script() -> str:
    """All parts of the script, one after the other."""
    return '"use strict";\n' + "\n".join(_read(f"script/{name}.js") for name in SCRIPTS)


@cache
def digest(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def safe_id(text: str) -> str:
    """The text with only what an id may have."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())


def precision_class(name: str) -> str:
    """The class of a precision's colour; those that this version does not know share one."""
    return name if name in PRECISIONS else "other"


def _styles() -> dict[str, Style]:
    """By the name that `precision_class` gives."""
    return {**{name: one.style for name, one in PRECISIONS.items()}, "other": UNKNOWN_STYLE}


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
