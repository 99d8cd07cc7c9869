"""Errors of one process that another one shows: the words and the class, without what cannot be pickled."""

from dataclasses import dataclass

from harness import errors
from harness.errors import CommandFailed, Defect, HarnessError, TransportError
from harness.system.foreign_errors import as_harness_error


@dataclass(frozen=True)
class SentError:
    """An error by the name of its class."""

    kind: str
    what: str
    hint: str
    device: str
    variant: str


def send(error: Exception) -> SentError:
    """The error as it is sent."""
    known = as_harness_error(error)
    # What a command printed is in its message.
    kind = TransportError if isinstance(known, CommandFailed) else _public(type(known))
    return SentError(kind.__name__, known.what, known.hint, known.device, known.variant)


def receive(sent: SentError) -> HarnessError:
    """The error again; of the class that it had."""
    kind = getattr(errors, sent.kind, Defect)
    made = kind(sent.what, hint=sent.hint, device=sent.device, variant=sent.variant)
    return made if isinstance(made, HarnessError) else Defect(sent.what)


def _public(kind: type[HarnessError]) -> type[HarnessError]:
    """The nearest class that every process knows by name, and that is made of nothing but words."""
    for ancestor in kind.__mro__:
        is_known = vars(errors).get(ancestor.__name__) is ancestor
        if is_known and issubclass(ancestor, HarnessError) and ancestor is not errors.WrongOptions:
            return ancestor
    return HarnessError
