"""How a cell is measured unless the user says otherwise."""

from harness.records import Clock, Plan, RunRequest

# Real devices: samples enough for a median within a few percent; processes because iterations of one
# process share its memory layout and are correlated (
# Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013).
REAL = Plan(
    threads=1,
    processes=5,
    warmup_iterations=5,
    min_iterations=20,
    min_seconds=1.0,
    max_seconds=10.0,
    counted_iterations=3,
    seed=0,
)
# Counted instructions repeat: two processes show that they do.
COUNTED = Plan(
    threads=1,
    processes=2,
    warmup_iterations=1,
    min_iterations=3,
    min_seconds=0.0,
    max_seconds=60.0,
    counted_iterations=2,
    seed=0,
)


def make_plan(request: RunRequest, clock: Clock, threads: int) -> Plan:
    """The clock's defaults with what the user asked for put over them."""
    base = REAL if clock == "real" else COUNTED
    min_seconds = base.min_seconds if request.min_seconds is None else request.min_seconds
    max_seconds = base.max_seconds if request.max_seconds is None else request.max_seconds
    return Plan(
        threads=threads,
        cpus=request.cpus,
        processes=request.processes or base.processes,
        warmup_iterations=(
            base.warmup_iterations if request.warmup_iterations is None else request.warmup_iterations
        ),
        min_iterations=request.min_iterations or base.min_iterations,
        min_seconds=min_seconds,
        max_seconds=max(max_seconds, min_seconds),
        counted_iterations=base.counted_iterations,
        seed=request.seed,
    )
