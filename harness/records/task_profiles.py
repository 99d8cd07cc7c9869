"""Android's task profiles: which one a process was started with, and what of it took hold."""

from typing import Annotated, Literal, get_args

from msgspec import Meta

from harness.records.schema import Record

# What an app is to Android, named as its control groups are.
TaskProfileName = Literal["top-app", "foreground", "background"]
TASK_PROFILES: tuple[TaskProfileName, ...] = get_args(TaskProfileName)
# The controllers that a profile moves a process in, each to the group of the profile's name.
GroupController = Literal["cpuset", "cpu"]
UclampPercent = Annotated[float, Meta(ge=0, le=100)]


class TaskProfile(Record, frozen=True, kw_only=True):
    """What `settaskprofile` was asked for before a process began, and the kernel's groups before and after.

    `took_hold` are the controllers whose group afterwards was the profile's; where one is missing,
    `unavailable` says why. `cgroup_…` are the lines of /proc/self/cgroup. `uclamp_…` are the bounds of the
    group of the controller `cpu` afterwards, as a share of the biggest core's capacity; None where the
    kernel has none. What the program answered proves nothing: it reports success also where it may write
    no group.
    """

    name: TaskProfileName
    took_hold: tuple[GroupController, ...] = ()
    unavailable: str | None = None
    cpuset_before: str | None = None
    cpuset_after: str | None = None
    cgroup_before: str | None = None
    cgroup_after: str | None = None
    uclamp_min_percent: UclampPercent | None = None
    uclamp_max_percent: UclampPercent | None = None
