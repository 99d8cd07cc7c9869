"""The energy of each cell in a session: without a sensor, with one that fails, with a meter, interrupted."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replaced
from session_bench import Bench

from builders import make_plan
from harness.analysis.failures import cell_errors
from harness.devices.energy_sources import FoundSensors, choose_sensors
from harness.errors import ConnectionLost
from harness.measuring.cell_state import CellRequest
from harness.measuring.device_processes import DeviceProcesses
from harness.measuring.plans import energy_plan, seconds_for_long_runs
from harness.measuring.sustaining import OUT_OF_TIME, lacks_energy
from harness.records import Cell, RunRequest
from harness.runner.energy import EnergyPlan
from harness.runner.orphan import decode_request
from harness.transports.local import LocalTransport
from harness.transports.reconnecting import DeviceRestarted

SHORT = EnergyPlan(load_seconds=2, idle_seconds=0.2, settling_seconds=0.0, period_seconds=0.1)
PLAN = make_plan(processes=2, warmup_iterations=1)
RAILS = "sys/bus/iio/devices/iio:device0/energy_value"
METER = """
import sys, time
from pathlib import Path
job = Path(sys.argv[1])
while True:
    works = (job / "windows").exists() and not (job / "report.json").exists()
    print(time.time_ns(), 3.0 if works else 1.0, flush=True)
    time.sleep(0.1)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, LocalTransport())


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device without any sensor."""
    folder = tmp_path / "root"
    folder.mkdir()
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(folder))
    return folder


def measure(
    bench: Bench, plan: EnergyPlan = SHORT, earlier: tuple[Cell, ...] = (), run: str = "a run"
) -> dict[float, Cell]:
    session = replace(bench.session(), energy=plan, run=run)
    session.measure([CellRequest(v, PLAN) for v in bench.futures], earlier, seed=0)
    return {cell.variant.shape[0]: cell for cell in bench.detailed}


def reason(cell: Cell) -> str:
    assert cell.energy is not None
    assert cell.energy.run is None
    assert cell.energy.unavailable is not None
    return cell.energy.unavailable


def test_a_device_without_a_sensor_has_its_reason_and_nothing_is_run_on_it(bench: Bench, root: Path) -> None:
    bench.add(0.25)
    bench.add(0.5)
    began = time.monotonic()
    cells = measure(bench, EnergyPlan())
    assert time.monotonic() - began < 60
    for cell in cells.values():
        assert reason(cell) == "the device has no sensor of power or energy"
        assert cell.latency is not None
        assert "energy_unavailable" in {one.code for one in cell.verdict.reasons}
    assert [error.what for error in cell_errors(list(cells.values()))] == [
        "no energy figure: the device has no sensor of power or energy"
    ] * 2


def test_a_cell_that_has_its_energy_or_the_reason_why_not_is_not_measured_again(
    bench: Bench, root: Path
) -> None:
    bench.add(0.25)
    first = measure(bench)
    bench.detailed.clear()
    assert measure(bench, earlier=tuple(first.values()))[0.25].energy == first[0.25].energy


def test_energy_that_would_end_after_a_time_limit_is_left_to_a_resumed_run(bench: Bench, root: Path) -> None:
    bench.add(0.25)
    plan = replaced(PLAN, max_minutes=1.0)
    session = replace(bench.session(), energy=EnergyPlan())
    session.measure([CellRequest(v, plan) for v in bench.futures], (), seed=0)
    assert reason(bench.detailed[-1]) == OUT_OF_TIME
    assert lacks_energy(bench.detailed[-1], by_command=False)
    requests = [CellRequest(v, plan) for v in bench.futures]
    assert seconds_for_long_runs(requests, bench.detailed[-1:], None, EnergyPlan(), "real") == 150


def plant(root: Path, text: str) -> None:
    path = root / RAILS
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "next").write_text(text)
    (path.parent / "next").replace(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("t=1\nrubbish\n", "has a line that is not a rail's: rubbish"),
        ("t=1\nCH0(T=1)[VSYS_PWR_DISPLAY], 5\n", "no rail is known to be that of the cores"),
        (
            "t=1\nCH0(T=1)[S2M_VDD_CPUCL2], 5\n",
            "0 s in the idle window before are too short",
        ),
    ],
)
def test_a_sensor_that_fails_leaves_the_cell_its_other_figures(
    bench: Bench, root: Path, text: str, why: str
) -> None:
    plant(root, text)
    bench.add(0.25)
    (cell,) = measure(bench).values()
    assert why in reason(cell)
    assert cell.failure is None
    assert cell.latency is not None


def test_a_program_that_fails_under_load_is_the_reason(bench: Bench, root: Path) -> None:
    plant(root, "t=1\nCH0(T=1)[S2M_VDD_CPUCL2], 5\n")
    bench.add(0.25, ending=" made up heat")
    (cell,) = measure(bench).values()
    assert reason(cell) == "the runner failed (6): made up heat"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit(3)", "ended with exit code 3 before the measurement did"),
        ("print('volts')", "printed 'volts', which is not <unix_ns> <watts>"),
        (
            "import time; print(time.time_ns(), 1.0, flush=True); time.sleep(0.5); raise SystemExit(4)",
            "ended with exit code 4 before the measurement did",
        ),
    ],
)
def test_a_meter_that_dies_or_prints_rubbish_leaves_the_cell_its_other_figures(
    bench: Bench, root: Path, code: str, why: str
) -> None:
    bench.add(0.25)
    (cell,) = measure(bench, replace(SHORT, command=(sys.executable, "-c", code))).values()
    assert why in reason(cell)
    assert cell.latency is not None


DYING = (
    "import time\nfor _ in range(4): print(time.time_ns(), 1.0, flush=True); time.sleep(0.3)\n"
    "raise SystemExit('USB gone')"
)


def test_the_process_ends_with_its_meter_and_not_with_its_windows(bench: Bench, root: Path) -> None:
    bench.add(0.25)
    plan = EnergyPlan(load_seconds=120, idle_seconds=60, command=(sys.executable, "-c", DYING))
    began = time.monotonic()
    (cell,) = measure(bench, plan).values()
    assert time.monotonic() - began < 120
    assert "ended with exit code 1 before the measurement did: USB gone" in reason(cell)
    assert cell.latency is not None


def test_a_resumed_run_measures_again_what_a_meter_failed_to_give(bench: Bench, root: Path) -> None:
    bench.add(0.25)
    plan = replace(SHORT, command=(sys.executable, "-c", "raise SystemExit(3)"))
    first = measure(bench, plan)
    assert "ended with exit code 3" in reason(first[0.25])
    bench.detailed.clear()
    repaired = replace(plan, command=(sys.executable, "-c", "raise SystemExit(4)"))
    assert "ended with exit code 4" in reason(measure(bench, repaired, tuple(first.values()))[0.25])
    requests = [CellRequest(v, PLAN) for v in bench.futures]
    assert seconds_for_long_runs(requests, list(first.values()), None, repaired, "real") > 2
    assert seconds_for_long_runs(requests, list(first.values()), None, SHORT, "real") == 0


def test_a_resumed_run_measures_a_device_that_was_unplugged_since(bench: Bench, root: Path) -> None:
    supply = root / "sys/class/power_supply/battery"
    supply.mkdir(parents=True)
    facts = {"type": "Battery", "status": "Charging", "current_now": "-400000", "voltage_now": "4000000"}
    for name, text in facts.items():
        (supply / name).write_text(f"{text}\n")
    bench.add(0.25)
    first = measure(bench)
    assert reason(first[0.25]).endswith("; unplug it, and reach it by Wi-Fi")
    assert lacks_energy(first[0.25], by_command=False)
    bench.detailed.clear()
    (supply / "status").write_text("Discharging\n")
    again = reason(measure(bench, earlier=tuple(first.values()))[0.25])
    assert "in the idle window before are too short" in again


class Losing(LocalTransport):
    """Raises an error once the process of energy is to start; nothing works then."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._gone = False

    def run(self, argv, **options):  # type: ignore[no-untyped-def]
        """Run it as long as there is a device."""
        self._gone |= any(word.endswith("energy.sh") for word in argv) and "--sustain-seconds" in argv
        if self._gone:
            raise self._error
        return super().run(argv, **options)


def test_a_device_that_restarts_keeps_the_reason_and_what_it_measured(tmp_path: Path, root: Path) -> None:
    plant(root, "t=1\nCH0(T=1)[S2M_VDD_CPUCL2], 5\n")
    bench = Bench(tmp_path, Losing(DeviceRestarted("the device restarted")))
    bench.add(0.25)
    with pytest.raises(DeviceRestarted):
        measure(bench)
    assert reason(bench.detailed[-1]) == "the device restarted"
    assert bench.detailed[-1].latency is not None


def test_a_lost_connection_leaves_the_energy_to_a_resumed_run(tmp_path: Path, root: Path) -> None:
    plant(root, "t=1\nCH0(T=1)[S2M_VDD_CPUCL2], 5\n")
    bench = Bench(tmp_path, Losing(ConnectionLost("gone")))
    bench.add(0.25)
    with pytest.raises(ConnectionLost):
        measure(bench)
    assert all(cell.energy is None for cell in bench.detailed)
    assert any("--resume measures it again" in text for text in bench.log)


def test_a_process_that_a_killed_harness_left_is_ended_and_measured_again(
    bench: Bench, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job's own request says that it is one of energy."""
    plant(root, "t=1\nCH0(T=1)[S2M_VDD_CPUCL2], 5\n")
    bench.add(0.25)
    requests: list[bytes] = []
    ended: list[bool] = []
    run = LocalTransport.run

    def watch(self: LocalTransport, argv, **options):  # type: ignore[no-untyped-def]
        if b'"energy":true' in options.get("stdin", b""):
            requests.append(options["stdin"])
        return run(self, argv, **options)

    monkeypatch.setattr(LocalTransport, "run", watch)
    measure(bench)
    (request,) = requests
    orphan = decode_request(request)
    assert orphan is not None
    assert orphan.energy
    monkeypatch.setattr(DeviceProcesses, "find_orphan", lambda self: orphan)
    monkeypatch.setattr(DeviceProcesses, "end_orphan", lambda self: ended.append(True))
    bench.detailed.clear()
    measure(bench)
    assert ended == [True]


def test_a_request_for_energy_becomes_a_plan() -> None:
    request = RunRequest(devices=(), widths=(), resolutions_px=(), precisions=(), threads=())
    assert energy_plan(request, ("meter",)) is None
    assert energy_plan(replaced(request, energy="device"), ()) == EnergyPlan()
    by_command = energy_plan(replaced(request, energy="command"), ("meter",))
    assert by_command == EnergyPlan(command=("meter",))
    assert EnergyPlan().seconds == 150


@pytest.mark.slow
def test_planted_energy_is_found_by_a_sensor_and_by_a_meter(tmp_path: Path, root: Path) -> None:
    """The shortest windows that give a figure, through all scripts: 2 W more under load than idle.

    Both at once, each on a device of its own: a minute and a half is long enough.
    """
    plan = EnergyPlan(load_seconds=31, idle_seconds=31.5, settling_seconds=1.0, period_seconds=0.5)
    benches = {name: Bench(tmp_path / name, LocalTransport()) for name in ("sensor", "meter")}
    for bench in benches.values():
        bench.folder.mkdir()
        bench.add(0.25)
    job = benches["meter"].folder / "device" / "jobs" / "current"
    metered = replace(plan, command=(sys.executable, "-c", METER, str(job)))
    ended = threading.Event()
    planter = threading.Thread(
        target=_plant_rails, args=(root, benches["sensor"].folder / "device", ended), daemon=True
    )
    planter.start()
    with ThreadPoolExecutor() as pool:
        pending = {
            "power_rails": pool.submit(measure, benches["sensor"], plan),
            "power_command": pool.submit(measure, benches["meter"], metered),
        }
        found = {kind: next(iter(one.result().values())) for kind, one in pending.items()}
    ended.set()
    planter.join()
    for kind, cell in found.items():
        assert cell.energy is not None
        assert cell.energy.unavailable is None
        assert cell.energy.figures is not None
        assert cell.energy.run is not None
        assert cell.energy.run.source.kind == kind
        # The runner of the bench says 100 inferences a second.
        assert cell.energy.figures.net_joules.estimate == pytest.approx(2.0 / 100, rel=0.01)
        assert cell.energy.figures.idle_before_watts == pytest.approx(1.0, rel=0.02)
        assert not {one.code for one in cell.verdict.reasons} & {"energy_unavailable", "idle_power_changed"}


def _watts(job: Path) -> float:
    """More from the end of the first rest until the program has written its report."""
    works = (job / "windows").exists() and not (job / "report.json").exists()
    return 3.0 if works else 1.0


def _plant_rails(root: Path, device: Path, ended: threading.Event) -> None:
    microjoules, before = (1 << 32) - 40e6, time.clock_gettime(time.CLOCK_BOOTTIME)
    while not ended.is_set():
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        microjoules += _watts(device / "jobs" / "current") * 1e6 * (now - before)
        before = now
        ms, energy = int(now * 1000), int(microjoules) % (1 << 32)
        plant(root, f"t={ms}\nCH3(T={ms})[S2M_VDD_CPUCL2], {energy}\nCH1(T={ms})[VSYS_PWR_MODEM], {ms}\n")
        ended.wait(0.1)


def test_the_chosen_sensor_is_the_one_that_is_read(root: Path) -> None:
    assert choose_sensors([f"rails /{RAILS} yes"]).files == (f"/{RAILS}",)
    assert FoundSensors(None, "").files == ()
    assert os.environ["HARNESS_PROBE_ROOT"] == str(root)
