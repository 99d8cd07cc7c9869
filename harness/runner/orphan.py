"""The process that a killed harness left running on the device, and whose report the next session takes.

Only a session of the same run takes it, for the same command line (program, input, plan, bundle), round and
boot. All that is in the request, which is written into the job's folder before the process starts. Where
anything differs, the process is measured again.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from harness.errors import ReportRejected
from harness.records import Artifact, BackendOptions, Celsius, Plan, Variant
from harness.records.decoding import Malformed, decode_json
from harness.records.requests import RateHz
from harness.records.sustained import SustainSeconds
from harness.runner.job import Job

MAX_BYTES = 1 << 16
_STARTED_AT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}\+00:00"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one process was started for, and what only the host knows about it."""

    run: str
    boot_id: str | None
    variant: str
    threads: Annotated[int, Meta(ge=1, le=10_000)]
    cpus: str | None = None
    rate_hz: RateHz | None = None
    backend_options: BackendOptions | None = None
    sustain_seconds: SustainSeconds | None = None
    max_temp_celsius: Celsius | None = None
    began_celsius: Celsius | None = None
    energy: bool = False
    round: Annotated[int, Meta(ge=0, le=10_000)]
    argv: tuple[str, ...]
    started_at: str
    cooled_seconds: Annotated[float, Meta(ge=0, le=1e6)] | None


def encode_request(request: Request) -> bytes:
    """The request behind its own sha256: it crosses an unchecked connection."""
    content = msgspec.json.encode(request)
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def decode_request(content: bytes) -> Request | None:
    """Read it back from the device, untrusted; None when it is not one, or damaged."""
    digest, _, body = content.partition(b"\n")
    if len(content) > MAX_BYTES or hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    try:
        request = decode_json(body, Request)
    except Malformed:
        return None
    return request if re.fullmatch(_STARTED_AT, request.started_at) else None


def find_orphan(job: Job, run: str, log: Callable[[str], None]) -> Request | None:
    """The process that an earlier session of this run started on this boot; any other is ended."""
    if not job.exists():
        return None
    try:
        request = decode_request(job.fetch("request"))
    except ReportRejected:
        request = None
    boot_id = job.device.info.boot_id
    if run and boot_id and request and (request.run, request.boot_id) == (run, boot_id):
        return request
    if job.stop():
        log("ended a process that an earlier run left running")
    return None


def is_of(request: Request, variant: Variant, plan: Plan) -> bool:
    """Whether the process measures this cell, as far as is known before the artifact is lowered."""
    started = request.variant, request.threads, request.cpus, request.rate_hz, request.backend_options
    return started == (variant.name, plan.threads, plan.cpus, plan.rate_hz, plan.backend_options)


def runs_program(request: Request, artifact: Artifact) -> bool:
    """Whether the process runs this very program, which lies on the device under its sha256."""
    return any(artifact.sha256 in word for word in request.argv)
