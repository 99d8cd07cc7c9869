"""Whether what a runner reports can be: a clock can be wrong, and a report false."""

from itertools import chain

from harness.errors import ReportRejected
from harness.records import Clock, Plan, ProcessReport
from harness.records.cell_checks import UPTIME_SHARE, UPTIME_SLACK_S
from harness.records.process_checks import find_impossible
from harness.records.schedule import find_off_schedule

# The clock of a board may be some percent faster than this machine's.
HOST_SHARE = 0.1
HOST_SLACK_S = 1.0


def check_times(process: ProcessReport, clock: Clock, host_seconds: float | None) -> None:
    """Compare the reported times with the device's uptime around the process, and with this machine's clock.

    `host_seconds` is how long this machine waited for the process, time in suspend included; None if unknown.
    Virtual time passes at another speed than this machine's.

    Raises:
        ReportRejected: more time is reported than passed.
    """
    limits = [("the device was up", process.uptime_seconds, UPTIME_SHARE, UPTIME_SLACK_S)]
    if clock != "virtual":
        limits.append(("this machine waited", host_seconds, HOST_SHARE, HOST_SLACK_S))
    reported_s = process.reported_ns / 1e9
    for what, passed_s, share, slack_s in limits:
        if passed_s is not None and reported_s > max(0.0, passed_s) * (1 + share) + slack_s:
            raise ReportRejected(
                f"the device reported {reported_s:.3g} s of loading and inferences, but {what} for"
                f" {max(0.0, passed_s):.3g} s",
                hint="the device's clock is wrong, or the report is not the runner's; measure again",
            )


def check_waited(reported_ns: int, clock: Clock, host_seconds: float) -> None:
    """Compare reported times with this machine's clock alone.

    Raises:
        ReportRejected: more time is reported than passed here.
    """
    if clock != "virtual" and reported_ns / 1e9 > host_seconds * (1 + HOST_SHARE) + HOST_SLACK_S:
        raise ReportRejected(
            f"the device reported a start-up of {reported_ns / 1e9:.3g} s, but this machine waited for"
            f" {host_seconds:.3g} s",
            hint="the device's clock is wrong, or the report is not the runner's; measure again",
        )


def check_lasted(seconds: float, clock: Clock, host_seconds: float) -> None:
    """Compare how long a process was to run with how long this machine waited for it.

    Raises:
        ReportRejected: it ended too soon.
    """
    if clock == "real" and host_seconds * (1 + HOST_SHARE) + HOST_SLACK_S < seconds:
        raise ReportRejected(
            f"the process was to run for {seconds} s, but ended after {host_seconds:.3g} s",
            hint="the device's clock is wrong, or the report is not the runner's; measure again",
        )


def check_possible(process: ProcessReport, plan: Plan) -> None:
    """Refuse on arrival what would make the whole cell unreadable once it is saved.

    Raises:
        ReportRejected: a figure cannot be.
    """
    for impossible in chain(find_impossible(process), find_off_schedule(process, plan.period_ns)):
        raise ReportRejected(f"the device's report is wrong: {impossible}", hint="measure again")
