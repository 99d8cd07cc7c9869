"""What `harness run` refuses once it knows the devices, before anything is touched."""

import pytest
from msgspec.structs import replace

from harness.devices.target import Target
from harness.errors import UsageError
from harness.records import RunRequest
from harness.run import refuse_rates

HOST = Target(name="host", kind="host", transport="local")
EMULATOR = Target(name="emulator:cortex-a53", kind="emulator", transport="local", address="cortex-a53")
REQUEST = RunRequest(
    devices=(), widths=(0.25,), resolutions_px=(128,), precisions=("fp32",), threads=(1,), rates_hz=(30.0,)
)


def test_a_rate_is_refused_where_seconds_are_not_the_devices() -> None:
    refuse_rates(REQUEST, [HOST])
    refuse_rates(replace(REQUEST, rates_hz=()), [HOST, EMULATOR])
    with pytest.raises(UsageError, match="that of emulator:cortex-a53 is this machine's") as refused:
        refuse_rates(REQUEST, [HOST, EMULATOR])
    assert refused.value.exit_code == 2
    assert refused.value.hint == "measure it on a real device, or leave out --rate"
