"""The schema: its version, and what every record and figure has in common."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# Of every saved file. A new optional field raises the minor number; one that is renamed, removed or changes
# its meaning raises the major one.
SCHEMA_VERSION = "2.1"
SCHEMA_MAJOR = SCHEMA_VERSION.partition(".")[0]
SchemaVersion = Annotated[str, Meta(pattern=rf"^{SCHEMA_MAJOR}\.[0-9]{{1,6}}\Z")]
# Not `$`, which also matches before a newline at the end.
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
# Upper bounds keep a hostile or broken device's numbers out of arithmetic: up to here they are exact in JSON
# everywhere.
LARGEST_INTEGER = 2**53
Nanoseconds = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER)]
PositiveNanoseconds = Annotated[int, Meta(gt=0, le=LARGEST_INTEGER)]
Bytes = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER)]
# Those that Linux has on 64-bit ARM and x86-64.
PageSize = Literal[4096, 16384, 65536]
PositiveBytes = Annotated[int, Meta(gt=0, le=LARGEST_INTEGER)]
Count = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER)]
PositiveCount = Annotated[int, Meta(gt=0, le=LARGEST_INTEGER)]
# Of either sign, such as a code that a kernel reports.
Integer = Annotated[int, Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
# No core of any device has a higher clock.
HIGHEST_KHZ = 10_000_000
Kilohertz = Annotated[int, Meta(ge=0, le=HIGHEST_KHZ)]
NotNegative = Annotated[float, Meta(ge=0, le=LARGEST_INTEGER)]
# 31 years: nothing here waits or runs longer.
MOST_SECONDS = 1e9
Seconds = Annotated[float, Meta(ge=0, le=MOST_SECONDS)]
Percent = Annotated[int, Meta(ge=0, le=100)]
ThermalStatus = Annotated[int, Meta(ge=0, le=6)]
# What Linux has: a share of a core's highest capacity, what oom_score_adj may be, and nice.
Utilization = Annotated[int, Meta(ge=0, le=1024)]
OomScoreAdjustment = Annotated[int, Meta(ge=-1000, le=1000)]
Nice = Annotated[int, Meta(ge=-20, le=19)]
Celsius = Annotated[float, Meta(ge=-100, le=300)]


class Record(msgspec.Struct, frozen=True):
    """Immutable. Decoding refuses wrong types and missing fields, and names their path.

    Unknown fields are ignored: a newer minor version of the schema wrote them.
    """


class DeviceReport(Record, frozen=True, forbid_unknown_fields=True):
    """Sent by a device, and therefore untrusted: decoding also refuses unknown fields."""
