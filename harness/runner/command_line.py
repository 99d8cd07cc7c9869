"""The command line of one process of the runner."""

import posixpath

from harness.devices.device import JOB, Device
from harness.records import BackendOptions, Plan
from harness.runner.deploy import DeployedArtifact, DeployedBundle
from harness.runner.task_profile import profile_words

# The file of a job with all outputs, where they are not in the report.
OUTPUTS = "outputs"


def runner_argv(
    device: Device,
    bundle: DeployedBundle,
    deployed: DeployedArtifact,
    plan: Plan,
    *,
    first_launch: bool = False,
) -> tuple[str, ...]:
    """The command line of one process; `{job}` stands for its job folder.

    With `first_launch` it finds no packed cache, as after installing.
    """
    options = {
        "--model": deployed.program,
        "--input": deployed.reference_input,
        "--report": f"{JOB}/report.json",
        "--threads": plan.threads,
        "--warmup-iterations": plan.warmup_iterations,
        "--min-iterations": plan.min_iterations,
        "--min-seconds": plan.min_seconds,
        "--max-seconds": plan.max_seconds,
        "--counted-iterations": plan.counted_iterations,
    }
    if plan.cpus is not None:
        options["--cpus"] = plan.cpus
    if plan.period_ns is not None:
        options["--period-ns"] = plan.period_ns
    if deployed.method is not None:
        options["--method"] = deployed.method
    if deployed.outputs_apart:
        options["--outputs"] = f"{JOB}/{OUTPUTS}"
    words = [str(word) for option in options.items() for word in option]
    words += _backend_words(bundle, deployed, plan.backend_options, first_launch=first_launch)
    marks = ["--mark-counted"] if device.counts_instructions else []
    profile = profile_words(bundle.profile_script, JOB, plan)
    runner = deployed.runner or bundle
    return (*profile, *runner.runner_argv(device.launcher), *words, *marks)


def _backend_words(
    bundle: DeployedBundle, deployed: DeployedArtifact, options: BackendOptions | None, *, first_launch: bool
) -> list[str]:
    match options:
        case "weight-cache":
            return ["--weight-cache"]
        case "packed-cache":
            # One for each program and bundle: another XNNPACK packs in another way.
            file = f"{deployed.program.removesuffix('.pte')}-{posixpath.basename(bundle.folder)}.packed"
            return ["--packed-cache", file, *(["--fresh-packed-cache"] if first_launch else [])]
        case "workspace-per-model":
            return ["--workspace-sharing-mode", "1"]
        case "workspace-unshared":
            return ["--workspace-sharing-mode", "0"]
        case None:
            return []
