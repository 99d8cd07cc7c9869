"""What sensors of real devices printed, from public texts; each case names where it was recorded."""

import pytest

from harness.devices.energy_sources import choose_sensors
from harness.runner.energy_readings import Reading, SensorFailed
from harness.runner.energy_sensors import is_summed, spans_of

MAIN, SUB = (f"/sys/bus/iio/devices/iio:device{number}/energy_value" for number in range(2))
# A Pixel 6, both files, in the head of the script of AOSP's oboe that measures energy_commands.txt.
PIXEL_6 = {
    MAIN: """t=349894
CH0(T=349894)[S10M_VDD_TPU], 5578756
CH1(T=349894)[VSYS_PWR_MODEM], 29110940
CH2(T=349894)[VSYS_PWR_RFFE], 3166046
CH3(T=349894)[S2M_VDD_CPUCL2], 30203502
CH4(T=349894)[S3M_VDD_CPUCL1], 23377533
CH5(T=349894)[S4M_VDD_CPUCL0], 46356942
CH6(T=349894)[S5M_VDD_INT], 10771876
CH7(T=349894)[S1M_VDD_MIF], 21091363
""",
    SUB: """t=359458
CH0(T=359458)[VSYS_PWR_WLAN_BT], 45993209
CH1(T=359458)[L2S_VDD_AOC_RET], 2822928
CH2(T=359458)[S9S_VDD_AOC], 6923706
CH3(T=359458)[S5S_VDDQ_MEM], 4658202
CH4(T=359458)[S10S_VDD2L], 5506273
CH5(T=359458)[S4S_VDD2H_MEM], 14254574
CH6(T=359458)[S2S_VDD_G3D], 5315420
CH7(T=359458)[VSYS_PWR_DISPLAY], 81221665
""",
}


def read(second: int, texts: dict[str, str]) -> Reading:
    return Reading(float(second), {path: tuple(text.splitlines()) for path, text in texts.items()})


def test_a_pixel_6s_cores_interconnect_and_memory_are_summed_and_nothing_else() -> None:
    later = {
        path: text.replace("349894", "359894").replace("359458", "369458").replace("], ", "], 1")
        for path, text in PIXEL_6.items()
    }
    found = choose_sensors([f"rails {path} yes" for path in (MAIN, SUB)])
    source, (span,) = spans_of(found, [read(0, PIXEL_6), read(10, later)])
    summed = "S2M_VDD_CPUCL2, S3M_VDD_CPUCL1, S4M_VDD_CPUCL0, S5M_VDD_INT, S1M_VDD_MIF"
    assert source.name == (
        f"power rails of iio:device0, iio:device1: {summed}, S5S_VDDQ_MEM, S10S_VDD2L, S4S_VDD2H_MEM"
    )
    # A digit before each: 100 J more for each rail of eight digits, 10 J for each of seven; in 10 s.
    assert span.seconds == 10.0
    assert span.watts == pytest.approx((6 * 100 + 2 * 10) / 10)


# Of a Pixel 10, in the queries of google/crossbench's power probe, and of ANGLE's restricted_trace_perf.py.
PIXEL_10 = {
    *("S2M_VDD_CPU2", "S3M_VDD_CPU1", "S4M_VDD_CPU", "S11M_VDD_CPU_M", "S12M_VDD_CPU1_M"),
    *("S8S_VDD_GMC", "S9S_VDD_INFRA", "S4S_VDD2H_MEM", "S5S_VDDQ_MEM"),
}


def test_a_pixel_10s_memory_controller_is_summed_as_an_older_ones_is() -> None:
    assert {rail for rail in PIXEL_10 if is_summed(rail)} == PIXEL_10
    others = (
        "S2S_VDD_GPU",
        "S10S_VDD_INFRA_MM_GPU_M",
        "S1S_VDD_MM",
        "S5M_VDD_AUR",
        "S6S_LLDO2",
        "VSYS_PWR_CAM_G1",
        "S11S_UFS_VCC",
    )
    assert not any(map(is_summed, others))


def test_rails_of_a_phone_whose_names_say_nothing_have_no_figure() -> None:
    """Those of a Pixel 4 are named by the regulators' inputs, as in perfetto's chrome/power_rails.sql."""
    text = "t=1000\nCH0(T=1000)[VPH_PWR_S5C_S6C], 5\nCH1(T=1000)[VPH_PWR_OLED], 6\n"
    reason = "no rail is known to be that of the cores; there are: VPH_PWR_S5C_S6C, VPH_PWR_OLED"
    with pytest.raises(SensorFailed, match=reason):
        spans_of(choose_sensors([f"rails {MAIN} yes"]), [read(0, {MAIN: text})])


# A Raspberry Pi 5 under load, in README.md of jfikar/RPi5-power.
PI_5 = """ 3V7_WL_SW_A current(0)=0.00000000A
   3V3_SYS_A current(1)=0.06245952A
   1V8_SYS_A current(2)=0.16102850A
  DDR_VDD2_A current(3)=0.00780744A
  DDR_VDDQ_A current(4)=0.00000000A
   1V1_SYS_A current(5)=0.17566740A
    0V8_SW_A current(6)=0.32791250A
  VDD_CORE_A current(7)=10.87674000A
   3V3_DAC_A current(17)=0.00036630A
   3V3_ADC_A current(18)=0.00042735A
   0V8_AON_A current(16)=0.00579975A
      HDMI_A current(22)=0.01367520A
 3V7_WL_SW_V volt(8)=3.79999600V
   3V3_SYS_V volt(9)=3.30632200V
   1V8_SYS_V volt(10)=1.79828900V
  DDR_VDD2_V volt(11)=1.10292900V
  DDR_VDDQ_V volt(12)=0.60476130V
   1V1_SYS_V volt(13)=1.10439400V
    0V8_SW_V volt(14)=0.80256330V
  VDD_CORE_V volt(15)=0.89745940V
   3V3_DAC_V volt(20)=3.30494200V
   3V3_ADC_V volt(21)=3.30219400V
   0V8_AON_V volt(19)=0.79736190V
      HDMI_V volt(23)=5.07056000V
     EXT5V_V volt(24)=5.06788000V
      BATT_V volt(25)=3.01110800V
"""
# A Raspberry Pi 4's.
WITHOUT_THE_CHIP = """error=1 error_msg="Command not registered"
"""


def test_a_pi_5s_twelve_rails_are_summed() -> None:
    values = [PI_5.replace("10.87674000", core) for core in ("9.87674000", "10.87674000", "9.87674000")]
    readings = [read(second, {"pmic": text}) for second, text in enumerate(values)]
    _, (span,) = spans_of(choose_sensors(["pmic yes"]), readings)
    # 10.87674 A at 0.8974594 V are 9.7614 W of the cores; the eleven others take 1.0385 W.
    assert span.watts == pytest.approx(9.7614 + 1.0385, abs=1e-4)


def test_a_pi_without_that_chip_has_no_such_sensor() -> None:
    with pytest.raises(SensorFailed, match="printed a line that is not a rail's: error=1 error_msg="):
        spans_of(choose_sensors(["pmic yes"]), [read(0, {"pmic": WITHOUT_THE_CHIP})])


SUPPLY = "/sys/class/power_supply/battery"


def of_battery(*currents: int, status: str = "Discharging", microvolts: int = 3_862_000) -> list[float]:
    found = choose_sensors([f"battery {SUPPLY} Discharging"])
    readings = [
        Reading(
            float(second),
            {
                f"{SUPPLY}/status": (status,),
                f"{SUPPLY}/current_now": (str(current),),
                f"{SUPPLY}/voltage_now": (str(microvolts),),
            },
        )
        for second, current in enumerate(currents)
    ]
    return [span.watts for span in spans_of(found, readings)[1]]


@pytest.mark.parametrize(
    ("current", "microvolts"),
    [
        # axp20x-battery of an OLinuXino: without a sign. Xiaomi Mi 6: bms counts what leaves as positive.
        # Kernel's sysfs-class-power: negative when it discharges.
        (523_000, 3_862_000),
        (426_300, 3_833_115),
        (-812_000, 11_670_000),
    ],
)
def test_each_drivers_sign_gives_the_same_power(current: int, microvolts: int) -> None:
    sign = current // abs(current)
    watts = of_battery(current - sign, current, current - sign, microvolts=microvolts)
    assert watts == pytest.approx([abs(current) * microvolts / 1e12])


@pytest.mark.parametrize(
    ("currents", "status", "reason"),
    [
        # MatteCarra/AccA#27 (Xiaomi Mi 8, charging) and #35 (Pixel 3a at USB, charging switched off).
        ([-326_171], "Charging", "the battery was charging"),
        ([976], "Not charging", "the battery was not charging"),
        ([0], "Full", "the battery was full"),
        # A phone whose driver counts in mA (VR-25/acc): -812 mA would be 0.8 mA.
        (
            [-812, -810],
            "Discharging",
            "the battery's current is 812 in the driver's unit, which is not clearly",
        ),
    ],
)
def test_what_is_not_taken_from_the_battery_has_its_reason(
    currents: list[int], status: str, reason: str
) -> None:
    with pytest.raises(SensorFailed, match=reason):
        of_battery(*currents, status=status)


def test_an_ina219_between_a_battery_and_a_pi_gives_its_power_in_microwatts() -> None:
    """networkupstools/nut#2960: 4228 mV, -40 mA, and 176000 in power1_input, which has no sign."""
    path = "/sys/class/hwmon/hwmon2/power1_input"
    readings = [
        Reading(float(at), {path: (value,)}) for at, value in enumerate(("174000", "176000", "174000"))
    ]
    (span,) = spans_of(choose_sensors([f"hwmon {path} ina219 "]), readings)[1]
    assert span.watts == pytest.approx(0.176)
