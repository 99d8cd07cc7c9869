"""The schema version that a saved file names, which is read before anything else of it.

A newer minor version may have fields that this harness ignores, and values that it does not know: such a file
is not damaged.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from harness.records.schema import SCHEMA_MAJOR, SCHEMA_VERSION


class Versioned(msgspec.Struct):
    """The part of a saved file that every version has."""

    schema_version: int | Annotated[str, Meta(pattern=r"^[0-9]{1,6}\.[0-9]{1,6}\Z")]

    @property
    def numbers(self) -> tuple[int, int]:
        """Major and minor number; version 1 was written as an integer."""
        major, _, minor = str(self.schema_version).partition(".")
        return int(major), int(minor or 0)

    @property
    def is_of_another_major(self) -> bool:
        """Whether another major version wrote the file: its fields mean something else."""
        return self.numbers[0] != int(SCHEMA_MAJOR)

    @property
    def is_newer(self) -> bool:
        """Whether a newer harness wrote the file, of this major version or a later one."""
        return self.numbers > Versioned(SCHEMA_VERSION).numbers
