"""Values of the command line: each wrong one is refused, with the value and a hint."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import parsing, quantity_options
from harness.cli.placement_parsing import (
    parse_backend_options,
    parse_cores,
    parse_placements,
    parse_rate,
    parse_rates,
    parse_task_profile,
    parse_thread_axis,
    parse_threads,
)
from harness.errors import UsageError


def test_lists_keep_their_order_and_drop_repetitions() -> None:
    assert parsing.parse_widths("0.5,0.25,0.50") == (0.5, 0.25)
    assert parsing.parse_resolutions(" 224 , 32") == (224, 32)
    assert parsing.parse_precisions("INT8,fp32") == ("int8", "fp32")
    assert parsing.parse_devices(["host,emulator", "host"]) == ("host", "emulator")


@pytest.mark.parametrize(
    ("parse", "text", "complaint"),
    [
        (parsing.parse_widths, "0", "above 0"),
        (parsing.parse_widths, "-1", "above 0"),
        (parsing.parse_widths, "nan", "above 0"),
        (parsing.parse_widths, "inf", "above 0"),
        (parsing.parse_widths, "4.5", "at most 4"),
        (parsing.parse_widths, "half", "'half' is not a number"),
        (parsing.parse_widths, "0.5,", "empty item"),
        (parsing.parse_resolutions, "100", "96 is one"),
        (parsing.parse_resolutions, "127", "128 is one"),
        (parsing.parse_resolutions, "0", "32 is one"),
        (parsing.parse_resolutions, "2048", "1024 is one"),
        (parsing.parse_resolutions, "224.0", "not a whole number"),
        (parsing.parse_resolutions, "²²⁴", "not a whole number"),
        (parsing.parse_precisions, "int4", "there is no precision 'int4'"),
        (quantity_options.parse_precision_target, "0%", "'0%' is not above 0"),
        (quantity_options.parse_precision_target, "100%", "below 100 %"),
        (parse_threads, "0", "from 1 to 256"),
        (parse_threads, "1,x", "'x' is not a whole number"),
        (parsing.parse_padding, "same", "tf_same"),
        (parsing.parse_observer, "mean", "choose one of histogram, minmax, percentile"),
        (parsing.parse_paddings, "symmetric,valid", "there is no padding 'valid'"),
        (parse_cores, "a-b", "not a list of cores and none of little, big"),
        (parse_cores, "3-1", "not a list of cores"),
        (parse_cores, "", "not a list of cores"),
        (
            lambda text: parse_placements([text]),
            "little,3-1",
            "'3-1' is not a list of cores",
        ),
        (lambda text: parse_placements([text]), "big,", "'' is not a list of cores"),
        (
            lambda text: parse_placements([text]),
            "big,medium",
            "'medium' is not a list of cores",
        ),
        *((parse_rates, text, "are from 0.1 to 1000") for text in ("0", "-1", "nan", "1000.1")),
        (parse_rates, "15,fast", "'fast' is not a number"),
        (parse_rates, "", "has an empty item"),
        (parse_rate, "15,30", "is not one rate"),
        (parse_backend_options, "packed", "'packed' is none of default, weight-cache, packed-cache"),
        (parse_task_profile, "topapp", "is none of top-app, foreground, background"),
        (parse_thread_axis, "auto,2", "auto is the only item of its list"),
        (parse_thread_axis, "0", "from 1 to 256"),
    ],
)
def test_a_wrong_value_is_named(parse: Callable[[str], object], text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert complaint in str(caught.value)
    assert text in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("texts", "placements"),
    [
        (["0-3"], ("0-3",)),
        (["0-3,6"], ("0-3,6",)),
        (["little,big,prime,all"], ("little", "big", "prime", "all")),
        (["little, 0-3, 6 ,big"], ("little", "0-3,6", "big")),
        (["0-3", "4-7", "0-3", "big,0-3"], ("0-3", "4-7", "big")),
        ([], ()),
    ],
)
def test_commas_separate_placements_but_for_the_numbers_of_a_cpu_list(
    texts: list[str], placements: tuple[str, ...]
) -> None:
    assert parse_placements(texts) == placements


def test_rates_are_numbers_each_once() -> None:
    assert parse_rates("30, 29.97,0.5,30.0") == (30.0, 29.97, 0.5)
    assert parse_rate("30") == 30.0


def test_backend_options_are_names_and_default_is_none() -> None:
    assert parse_backend_options("packed-cache, default") == ("packed-cache", None)


def test_threads_auto_leaves_the_numbers_to_the_cores() -> None:
    assert parse_thread_axis("auto") == ()
    assert parse_thread_axis("4,1") == (4, 1)


def test_timed_durations_take_units_and_bare_seconds() -> None:
    assert quantity_options.parse_min_time(None) is None
    assert quantity_options.parse_min_time("500ms") == 0.5
    assert quantity_options.parse_min_time("0") == 0.0
    assert quantity_options.parse_max_time("2") == 2.0
    with pytest.raises(UsageError, match="--max-time: '3h' is more than an hour"):
        quantity_options.parse_max_time("3h")


def test_a_time_limit_is_kept_in_minutes_under_both_names() -> None:
    assert quantity_options.parse_time_limit(None, None) is None
    assert quantity_options.parse_time_limit("1h", None) == 60.0
    assert quantity_options.parse_time_limit("90s", None) == 1.5
    assert quantity_options.parse_time_limit(None, "3") == 3.0
    assert quantity_options.parse_time_limit(None, "2h") == 120.0
    with pytest.raises(UsageError, match="older name of --time-limit"):
        quantity_options.parse_time_limit("1m", "1")


def test_a_verdict_to_fail_on_is_suspect_or_invalid() -> None:
    assert parsing.parse_fail_on(None) is None
    assert parsing.parse_fail_on("suspect") == "suspect"
    with pytest.raises(UsageError, match="choose one of suspect, invalid"):
        parsing.parse_fail_on("valid")


def test_a_fifo_in_the_place_of_weights_is_named_as_such_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.safetensors")
    for file in (tmp_path / "w.safetensors", Path("/dev/zero")):
        with pytest.raises(UsageError, match=f"{file} is not a regular file"):
            parsing.parse_weights([str(file)])


def test_a_folder_from_hugging_face_stands_for_the_weights_in_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="no weights file"):
        parsing.parse_weights([str(tmp_path)])
    (tmp_path / "model.safetensors").touch()
    assert parsing.parse_weights([str(tmp_path)]) == (str((tmp_path / "model.safetensors").resolve()),)
