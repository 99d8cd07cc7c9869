"""Processes started with one of Android's task profiles: the words for it, and what the device recorded."""

import re

from harness.devices.probe import Probed, parse_probe
from harness.errors import ReportRejected
from harness.records import Plan, TaskProfile
from harness.records.task_profiles import GroupController, TaskProfileName
from harness.runner.job import Job

RECORD = "task_profile"
# The profiles that Android's ActivityManager gives an app in front, visible, or behind others: cpuset, cpu,
# I/O and timer slack together (AOSP's system/core/libprocessgroup/profiles/task_profiles.json).
ANDROIDS_NAMES: dict[TaskProfileName, str] = {
    "top-app": "CPUSET_SP_TOP_APP",
    "foreground": "CPUSET_SP_FOREGROUND",
    "background": "CPUSET_SP_BACKGROUND",
}
_CGROUP_LINE = re.compile(r"[0-9]+:(?P<controllers>[^ :]*):(?P<path>/[^ ]*)")
_CONTROLLERS: tuple[GroupController, ...] = ("cpuset", "cpu")


def profile_words(script: str, job_folder: str, plan: Plan) -> tuple[str, ...]:
    """What goes before a program's command line; nothing where the plan has no task profile."""
    return ("sh", script, job_folder, ANDROIDS_NAMES[plan.task_profile]) if plan.task_profile else ()


def read_task_profile(job: Job, plan: Plan) -> TaskProfile | None:
    """What a process that has ended was started with; a loss is recorded, too, and no error."""
    if plan.task_profile is None:
        return None
    try:
        recorded = parse_probe(job.fetch(RECORD).decode("utf-8", "replace"))
    except ReportRejected as error:
        return TaskProfile(name=plan.task_profile, unavailable=error.what)
    return task_profile_of(plan.task_profile, recorded)


def task_profile_of(name: TaskProfileName, recorded: Probed) -> TaskProfile:
    """Judge by the groups that the kernel showed afterwards, whatever settaskprofile answered."""
    before, after = (_groups(recorded, when) for when in ("before", "after"))
    took_hold = tuple(one for one in _CONTROLLERS if (after[one] or "").rpartition("/")[2] == name)
    missing = {one: group for one, group in after.items() if one not in took_hold}
    return TaskProfile(
        name=name,
        took_hold=took_hold,
        unavailable=_why_not(recorded, missing) if missing else None,
        cpuset_before=before["cpuset"],
        cpuset_after=after["cpuset"],
        cgroup_before=recorded.values.get("cgroup_before"),
        cgroup_after=recorded.values.get("cgroup_after"),
        uclamp_min_percent=_percent(recorded, "uclamp_min"),
        uclamp_max_percent=_percent(recorded, "uclamp_max"),
    )


def _groups(recorded: Probed, when: str) -> dict[GroupController, str | None]:
    lines = _CGROUP_LINE.finditer(recorded.values.get(f"cgroup_{when}", ""))
    paths = {name: line["path"] for line in lines for name in line["controllers"].split(",")}
    return {"cpuset": recorded.values.get(f"cpuset_{when}", paths.get("cpuset")), "cpu": paths.get("cpu")}


def _why_not(recorded: Probed, missing: dict[GroupController, str | None]) -> str:
    if "answer" in recorded.unreadable:
        return recorded.unreadable["answer"]
    code, answer = recorded.number("code"), recorded.values.get("answer") or "(no output)"
    if code != 0:
        return f"settaskprofile ended with {'an unknown code' if code is None else code}: {answer}"
    groups = ", ".join(
        f"{one} {'has no group' if group is None else f'is {group}'}" for one, group in missing.items()
    )
    return (
        f"settaskprofile reported success, but {groups}: where Android's control groups are root's and"
        " system's, a shell needs root (adb root) to join one"
    )


def _percent(recorded: Probed, key: str) -> float | None:
    """A bound in percent with two decimals; `max` is no bound."""
    if recorded.values.get(key, "").strip() == "max":
        return 100.0
    number = recorded.decimal(key)
    return number if number is not None and 0 <= number <= 100 else None
