"""energy.sh on a machine's own shell and toolbox, with sensors in a file tree of its own."""

import pytest

from harness.devices.energy_sources import ENERGY_SCRIPT, choose_sensors
from harness.runner.energy import parse_windows
from harness.runner.energy_readings import parse_readings
from harness.runner.energy_sensors import spans_of
from harness.transports.base import Transport

# Counters that rise by 2 W as long as the job lasts; the time of the counters is that of the machine.
_PLANT = """
mkdir -p "$1/root/sys/bus/iio/devices/iio:device0" "$1/job" && cd "$1" || exit
plant() {
    IFS='. ' read -r whole part rest </proc/uptime
    ms=$((whole * 1000 + 1${part} * 10 - 1000))
    echo "t=$ms
CH3(T=$ms)[S2M_VDD_CPUCL2], $((ms * 2000))
CH1(T=$ms)[VSYS_PWR_MODEM], 5" >next && mv next root/sys/bus/iio/devices/iio:device0/energy_value
}
plant
(while [ ! -e ended ]; do plant; sleep 0.1; done) >/dev/null 2>&1 &
HARNESS_PROBE_ROOT=$1/root
export HARNESS_PROBE_ROOT
sh ./energy.sh sources
sh ./energy.sh run "$1/job" rails 1 0.2 0 -- sh -c 'sleep 2; exit 5' 2>&1
echo "failed $?"
rm -r job && mkdir job
sh ./energy.sh run "$1/job" rails 1 0.2 0 -- sleep 2 2>&1
echo "worked $?"
: >ended
"""


def check_energy_script(transport: Transport, folder: str) -> None:
    """Planted power is found, windows are right, and exit codes are those of the program."""
    transport.run(["mkdir", "-p", folder], timeout_s=60).check()
    transport.push(ENERGY_SCRIPT, f"{folder}/energy.sh")
    lines = transport.run(["sh", "-c", _PLANT, "plant", folder], timeout_s=300).check().text.splitlines()
    assert lines[1:] == ["failed 5", "worked 0"], lines
    found = choose_sensors(lines[:1])
    assert found.source is not None
    assert found.source.kind == "power_rails"
    windows, readings = (
        transport.run(["cat", f"{folder}/job/{name}"], timeout_s=60).check().stdout
        for name in ("windows", "readings")
    )
    before, after = parse_windows(windows)
    assert before.seconds >= 1
    assert after.began_s >= before.began_s + before.seconds + 2
    _, spans = spans_of(found, parse_readings(readings))
    assert len(spans) > 5
    assert sum(span.watts for span in spans) / len(spans) == pytest.approx(2.0, rel=0.01)
    transport.run(["rm", "-r", folder], timeout_s=60).check()
