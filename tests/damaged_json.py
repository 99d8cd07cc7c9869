"""Saved JSON changed as its structure allows: odd values, keys, nesting, encodings and cuts."""

import copy
import json
import random
from typing import Any

VALUES: tuple[Any, ...] = (
    0,
    -1,
    1,
    0.5,
    1e-300,
    1e300,
    -1e300,
    2**53,
    2**53 + 1,
    2**63,
    2**64,
    10**400,
    float("nan"),
    float("inf"),
    True,
    None,
    "",
    "0",
    "NaN",
    "x" * 100_000,
    "\u202eevil\u2066",
    "\x1b]0;title\x07\x1b[2J\n\r\0",
    "<script>alert(1)</script>",
    "](javascript:alert(1)) | `x` $\\frac$",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "\ud800",
    [],
    {},
    [None],
    [[]],
    {"": {}},
    [1e300] * 100,
)
# What stands for one of them in the text, where json.dumps would not write it.
RAW: tuple[bytes, ...] = (
    b"1e999",
    b"-0",
    b"1" * 5000,
    b"[" * 50_000,
    b'{"a":' * 50_000,
    b'"\xff\xfe"',
    b'"\\ud800"',
    b"NaN",
    b"-Infinity",
    b"",
)


def damage(content: bytes, chance: random.Random) -> bytes:
    """One damaged version of a JSON file."""
    kind = chance.random()
    if kind < 0.75:
        document = json.loads(content)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            _change(document, chance)
        return json.dumps(document).encode()
    if kind < 0.85:
        return _insert_raw(content, chance)
    return _change_bytes(content, chance)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document; of long arrays only the ends."""
    found: list[tuple[Any, Any]] = []
    if isinstance(node, dict):
        keys: list[Any] = list(node)
    elif isinstance(node, list):
        keys = list(range(len(node)))
        keys = keys if len(keys) < 4 else [0, len(keys) - 1]
    else:
        return found
    for key in keys:
        found.append((node, key))
        found += _places(node[key])
    return found


def _change(document: Any, chance: random.Random) -> None:
    places = _places(document)
    if not places:
        return
    container, key = chance.choice(places)
    match chance.randrange(8):
        case 0 | 1 | 2:
            container[key] = copy.deepcopy(chance.choice(VALUES))
        case 3:
            value = container[key]
            factor = chance.choice((-1, 0, 10, 1e-9, 1e9, 1e200))
            container[key] = value * factor if isinstance(value, int | float) else value
        case 4:
            del container[key]
        case 5:
            other, from_key = chance.choice(places)
            with_value = copy.deepcopy(other[from_key]) if from_key in _keys(other) else None
            container[key] = with_value
        case 6:
            if isinstance(container, dict):
                container["unknown"] = copy.deepcopy(chance.choice(VALUES))
            else:
                container.append(copy.deepcopy(container[key]))
        case 7:
            if isinstance(document, dict) and "schema_version" in document:
                document["schema_version"] = chance.choice(("2.9", "3.0", "1", 1, 2.0, "2.x", None))


def _keys(container: Any) -> list[Any]:
    return list(container) if isinstance(container, dict) else list(range(len(container)))


def _insert_raw(content: bytes, chance: random.Random) -> bytes:
    """A value replaced by text that is no JSON, or a key given twice."""
    document = json.loads(content)
    container, key = chance.choice(_places(document))
    if isinstance(container, dict) and chance.random() < 0.3:
        old = json.dumps(container)
        twice = f"{{{json.dumps(key)}: {json.dumps(chance.choice(VALUES[:10]))}, {old[1:]}"
        return json.dumps(document).replace(old, twice, 1).encode()
    container[key] = "@here@"
    return json.dumps(document).encode().replace(b'"@here@"', chance.choice(RAW), 1)


def _change_bytes(content: bytes, chance: random.Random) -> bytes:
    match chance.randrange(5):
        case 0:
            return content[: chance.randrange(len(content))]
        case 1:
            return b"\xef\xbb\xbf" + content
        case 2:
            return content.decode().encode(chance.choice(("utf-16", "utf-32", "utf-8-sig")))
        case 3:
            changed = bytearray(content)
            for _ in range(chance.randint(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            return bytes(changed)
        case _:
            return chance.choice((b"", b"null", b"[]", b"0", b'""', content * 2, b"\0" * 4096))
