"""JSON from outside: decoded strictly, with one exception for all that can be wrong with it."""

from typing import TypeVar

import msgspec

_T = TypeVar("_T")


class Malformed(ValueError):
    """It is no JSON, not UTF-8, nested too deeply, or not of the type; the text says where."""


def decode_json(content: bytes | str, type: type[_T]) -> _T:
    """Decode JSON of a type.

    msgspec itself raises its own errors, UnicodeDecodeError for bytes that are not UTF-8 and RecursionError.

    Raises:
        Malformed: it cannot be decoded.
    """
    try:
        return msgspec.json.decode(content, type=type)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(str(error)) from error
