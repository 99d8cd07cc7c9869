"""The error tree: drawn as it is, and an error is changed by its own methods alone."""

import ast
import inspect
import re

import pytest

from harness import errors
from harness.errors import LONGEST_TEXT, HarnessError
from harness.system.paths import PROJECT

FIELDS = ("what", "hint", "device", "variant")


def test_the_drawing_has_every_error() -> None:
    drawn = re.findall(r"^ +[│├└─ ]*(\w+)", inspect.getdoc(errors) or "", re.MULTILINE)
    defined = [name for name, kind in vars(errors).items() if inspect.isclass(kind)]
    assert sorted(drawn) == sorted(defined)


def test_only_what_an_error_does_not_name_is_added() -> None:
    error = HarnessError("it failed", device="pixel")
    error.add_subject(device="another", variant="mobilenet")
    assert error.subject == "device pixel, variant mobilenet"


@pytest.mark.parametrize(
    ("first", "both"), [("", "try again"), ("free space", "free space; try again")], ids=["none", "one"]
)
def test_a_hint_is_added_to_that_which_is_there(first: str, both: str) -> None:
    error = HarnessError("it failed", hint=first)
    error.add_hint("try again")
    assert error.hint == both


def test_added_and_other_words_are_cut_too() -> None:
    error = HarnessError("it failed", hint="free space")
    error.add_hint("x" * LONGEST_TEXT)
    assert error.hint == f"free space; {'x' * LONGEST_TEXT}"[:LONGEST_TEXT] + " …"
    error.reword("y" * 2 * LONGEST_TEXT, hint="")
    assert (error.what, error.hint) == ("y" * LONGEST_TEXT + " …", "")


def test_no_field_of_an_error_is_set_from_outside() -> None:
    found = []
    for file in sorted((PROJECT / "harness").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
                continue
            if node.attr in FIELDS and getattr(node.value, "id", "") != "self":
                found.append(f"{file.relative_to(PROJECT)}:{node.lineno}")
    assert found == []
