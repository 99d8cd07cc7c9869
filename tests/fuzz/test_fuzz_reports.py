"""The report of a runner, damaged, is decoded or rejected, and nothing else."""

import json
import random
from typing import Any

from damaged_bytes import anywhere, change_bytes

from builders import make_artifact, make_plan
from harness.errors import ReportRejected
from harness.records import TensorSpec
from harness.runner.report import decode_report

PLAN = make_plan(threads=1, warmup_iterations=2, counted_iterations=3)
ARTIFACT = make_artifact(output=TensorSpec(dtype="float32", sizes=(1, 3), dim_order=(0, 1)))
SUSTAINED = {
    "began_uptime_ns": 10**12,
    **{"inferences": [3, 0], "median_ns": [5, None], "p90_ns": [6, None], "max_ns": [7, None]},
}
REPORT: dict[str, Any] = {
    "schema_version": 1,
    "runner_version": "1",
    "build_type": "Release",
    "abi": "arm64-v8a",
    "executorch_version": "1.5.1",
    **{"canary_ns": 500, "load_ns": 1000, "init_ns": 2000, "first_ns": 3000},
    **{"warmup_ns": [5, 4], "latencies_ns": [3, 3, 4], "starts_ns": None},
    **{f"rss_{phase}_bytes": 4096 for phase in ("start", "loaded", "initialized", "end")},
    **{"peak_rss_bytes": 8192, "threads_requested": 1, "threads_used": 1, "cpus_allowed": "0-7"},
    "scheduling": {
        **{"cgroup": "0::/shell", "cpuset": "/", "uclamp_min_per_1024": 0, "uclamp_max_per_1024": 1024},
        **{"oom_score_adj": -1000, "timer_slack_ns": 50_000, "nice": 0, "unavailable": None},
    },
    **{f"counted_{event}": None for event in ("instructions", "cycles", "cache_misses", "branch_misses")},
    **{"counters_unavailable": "cycles: Permission denied", "memory_detail": None},
    **{"cold": None, "sustained": SUSTAINED, "profile": None, "init_instructions": 120_000},
    "packed_cache": {"bytes_before": 0, "bytes": 4096, "mapped": True},
    "output": {"sizes": [1, 3], "values": [0.5, -1.25, 3.0]},
}
VALUES: tuple[object, ...] = (
    None,
    0,
    -1,
    1.5,
    1e300,
    2**53,
    2**63,
    2**70,
    "",
    "x",
    "\x1b[2J",
    [],
    [0],
    [-1],
    {},
    True,
    [[]] * 3,
)


def test_damaged_reports_are_decoded_or_rejected(fuzz_runs: int) -> None:
    for seed in range(fuzz_runs):
        chance = random.Random(f"report {seed}")
        report = dict(REPORT)
        for _ in range(chance.randint(0, 2)):
            report[chance.choice((*REPORT, "surprise"))] = chance.choice(VALUES)
        content = json.dumps(report).encode()
        if chance.random() < 0.6:
            content = change_bytes(content, chance, anywhere(chance))
        try:
            decode_report(content, ARTIFACT, PLAN)
        except ReportRejected:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
