"""A device measuring its cells, with a shell script in the place of the runner and real files and jobs."""

import hashlib
import struct
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from builders import make_artifact, make_plan
from harness.devices.device import Device, describe
from harness.errors import LoweringError
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.cell_state import CellRequest
from harness.measuring.session import Session
from harness.records import Cell, TensorSpec, Variant
from harness.runner.bundle import Bundle, BundleFile
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.local import LocalTransport

# Stands for the loader, which gets `--library-path FOLDER FOLDER/runner OPTIONS…`. The model file says how
# it ends: its second line is an exit code, a signal to die of, or `endless`.
RUNNER = """#!/bin/sh
[ "$1" != --version ] || exit 0
shift 3
while [ $# -gt 0 ]; do
    case $1 in
    --model) model=$2 ;;
    --report) report=$2 ;;
    --threads) threads=$2 ;;
    --period-ns) starts="[0,$2,$((2 * $2))]" ;;
    --profile-iterations)
        times=$(seq -s, 1 $2)
        profile='[{"name":"Convolution (NHWC, F32) IGEMM #1","times_ns":['$times']}]' ;;
    --memory-detail)
        detail='{"pss_initialized_bytes":7,"private_dirty_initialized_bytes":6,"pss_end_bytes":9,
        "private_dirty_end_bytes":8,"unavailable":null}'
        grep -q "no memory" "$model" && { echo "made up" >&2; exit 6; }
        shift; continue ;;
    --sustain-seconds)
        columns() { seq -s, "$2" | sed "s/[0-9][0-9]*/$1/g"; }
        half=$(($2 / 2)) latencies='[]'
        uptime=$(cut -d" " -f1 /proc/uptime | tr -d .)
        medians="$(columns 4000000 $half),$(columns 8000000 $(($2 - half)))"
        sustained='{"began_uptime_ns":'${uptime}0000000',"inferences":['$(columns 100 $2)'],
        "median_ns":['$medians'],"p90_ns":['$(columns 9000000 $2)'],"max_ns":['$(columns 9000001 $2)']}'
        ! grep -q "made up heat" "$model" || { echo "made up heat" >&2; exit 6; }
        grep -q "too short" "$model" || sleep "$2" ;;
    --cold)
        stays=0 why=null
        ! grep -q "page stays" "$model" || { stays=1; why='"a page stayed"'; }
        cold='{"files":6,"pages":40,"resident_before_pages":39,"resident_pages":'$stays',"unavailable":'$why'}'
        shift; continue ;;
    esac
    shift 2
done
zone=$HARNESS_PROBE_ROOT/sys/class/thermal/thermal_zone0/temp
[ ! -e "$zone" ] || { echo 60000 > "$zone"; (sleep 2; echo 41000 > "$zone") > /dev/null 2>&1 & }
clock=$HARNESS_PROBE_ROOT/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq
[ ! -e "$clock" ] || { sleep 0.3; echo 900000 > "$clock"; sleep 0.5; echo 1800000 > "$clock"; }
end=$(sed -n 2p "$model")
case $end in
SIG*) kill -${end#SIG} $$; sleep 10 ;;
endless) sleep 60 ;;
?*) echo "bad model: made up" >&2; exit "$end" ;;
esac
cat > "$report" <<END
{"schema_version":1,"runner_version":"1","build_type":"Release","abi":"x86_64","executorch_version":"1.5.1",
"canary_ns":3,"load_ns":1,"init_ns":1,"init_instructions":null,"first_ns":9,"warmup_ns":[5],"latencies_ns":${latencies:-[4,4,4]},"starts_ns":${starts:-null},
"rss_start_bytes":1,
"rss_loaded_bytes":2,"rss_initialized_bytes":3,"rss_end_bytes":4,"peak_rss_bytes":5,
"threads_requested":$threads,"threads_used":$threads,"cpus_allowed":"0-1",
"scheduling":{"cgroup":"0::/","cpuset":"/","uclamp_min_per_1024":null,"uclamp_max_per_1024":null,
"oom_score_adj":0,"timer_slack_ns":50000,"nice":0,"unavailable":"uclamp: made up"},
"counted_instructions":null,
"counted_cycles":null,"counted_cache_misses":null,"counted_branch_misses":null,
"counters_unavailable":"made up","memory_detail":${detail:-null},"cold":${cold:-null},"packed_cache":null,
"sustained":${sustained:-null},"profile":${profile:-null},
"output":{"sizes":[1,2],"values":[$(sed -n 1p "$model")]}}
END
"""
REFERENCE = (1.0, 2.0)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Bench:
    """A folder as the device, variants as small text files, and what the session saved."""

    folder: Path
    transport: LocalTransport
    futures: dict[Variant, Future[StoredArtifact]] = field(default_factory=dict)
    saved: list[Cell] = field(default_factory=list)
    detailed: list[Cell] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def bundle(self) -> Bundle:
        source = self.folder / "bundle"
        source.mkdir(exist_ok=True)
        files = []
        for name, content in {
            "ld.so": RUNNER,
            "launch.sh": (DEVICE_SCRIPTS / "launch.sh").read_text(),
            "probe.sh": (DEVICE_SCRIPTS / "probe.sh").read_text(),
            "sampler.sh": (DEVICE_SCRIPTS / "sampler.sh").read_text(),
            "task_profile.sh": (DEVICE_SCRIPTS / "task_profile.sh").read_text(),
            "energy.sh": (DEVICE_SCRIPTS / "energy.sh").read_text(),
        }.items():
            (source / name).write_text(content)
            files.append(
                BundleFile(name=name, sha256=digest(content.encode()), size_bytes=len(content), mode=0o755)
            )
        return Bundle(abi="x86_64", folder=source, loader="ld.so", sha256="0" * 64, files=tuple(files))

    def add(
        self, width: float, *, output: str = "1.0,2.0", end: str = "", error: bool = False, ending: str = ""
    ) -> Variant:
        """A variant whose runner writes `output` and ends with `end`."""
        variant = Variant(width=width, resolution_px=32, precision="fp32")
        future: Future[StoredArtifact] = Future()
        self.futures[variant] = future
        if error:
            future.set_exception(LoweringError("made up"))
            return variant
        program = f"{output}\n{end}\nwidth {width}{ending}\n".encode()
        reference_input, reference_output = b"input", struct.pack("<2f", *REFERENCE)
        paths = {}
        for name, content in (("pte", program), ("bin", reference_input), ("out", reference_output)):
            paths[name] = self.folder / f"{width}.{name}"
            paths[name].write_bytes(content)
        artifact = make_artifact(
            variant=variant,
            sha256=digest(program),
            reference_input_sha256=digest(reference_input),
            reference_output_sha256=digest(reference_output),
            output=TensorSpec(dtype="float32", sizes=(1, 2), dim_order=(0, 1)),
        )
        future.set_result(StoredArtifact(artifact, paths["pte"], paths["bin"], paths["out"], True))
        return variant

    def session(self) -> Session:
        folder = str(self.folder / "device")
        info, _ = describe(LocalTransport(), name="here", kind="host", folder=folder)
        device = Device(info, self.transport, folder, LocalTransport)
        return Session(
            device,
            self.bundle(),
            self.futures,
            save=self.keep,
            progress=self.progress.append,
            log=self.log.append,
        )

    def measure(self, processes: int = 3, earlier: tuple[Cell, ...] = (), seed: int = 0) -> None:
        plan = make_plan(processes=processes, warmup_iterations=1)
        self.session().measure([CellRequest(v, plan) for v in self.futures], earlier, seed=seed)

    def keep(self, cell: Cell) -> None:
        """Cells with the figures of the memory pass, which comes last, apart from those that still grow."""
        (self.detailed if cell.memory and cell.memory.detail else self.saved).append(cell)

    def last(self) -> dict[float, Cell]:
        """The last saved state of each cell, by width."""
        return {cell.variant.shape[0]: cell for cell in self.saved}
