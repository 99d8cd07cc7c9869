"""An error of one host is the same error at another."""

import pickle

import pytest

from harness import errors
from harness.errors import CommandFailed, HarnessError, TransportError, UsageError, WrongOptions
from harness.lab.sent_errors import SentError, receive, send

OF_WORDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HarnessError) and kind not in (CommandFailed, WrongOptions)
]


def sent_and_received(error: Exception) -> HarnessError:
    return receive(pickle.loads(pickle.dumps(send(error))))


@pytest.mark.parametrize("kind", OF_WORDS, ids=lambda kind: kind.__name__)
def test_every_error_keeps_its_class_its_words_and_its_subject(kind: type[HarnessError]) -> None:
    received = sent_and_received(kind("what", hint="hint", device="pixel", variant="0.5/128"))
    assert type(received) is kind
    assert (received.what, received.hint, received.subject) == (
        "what",
        "hint",
        "device pixel, variant 0.5/128",
    )


def test_a_command_that_failed_keeps_what_it_printed_and_its_exit_code() -> None:
    error = CommandFailed(("ls", "/x"), 2, b"", b"No such file", device="pixel")
    received = sent_and_received(error)
    assert type(received) is TransportError
    assert (str(received), received.exit_code) == (str(error), error.exit_code)


def test_several_errors_of_one_command_line_are_one_usage_error() -> None:
    error = WrongOptions((UsageError("a", hint="x"), UsageError("b", hint="y")))
    received = sent_and_received(error)
    assert type(received) is UsageError
    assert str(received) == str(error)


def test_a_class_that_only_one_module_knows_becomes_the_nearest_known_one() -> None:
    class Late(errors.TimedOut):
        """Local to this test."""

    assert type(sent_and_received(Late("late"))) is errors.TimedOut


def test_a_foreign_exception_is_named() -> None:
    received = sent_and_received(ZeroDivisionError("division by zero"))
    assert type(received) is errors.Defect
    assert "ZeroDivisionError" in received.what


def test_a_class_that_does_not_exist_here_is_a_defect_in_its_words() -> None:
    received = receive(SentError("OfANewerVersion", "what", "hint", "", ""))
    assert (type(received), received.what) == (errors.Defect, "what")
