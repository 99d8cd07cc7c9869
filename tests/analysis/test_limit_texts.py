"""Each limit that is printed is one that the option takes, and it admits the figure that it was made for."""

from dataclasses import replace as change

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from picked_cells import MS, cell_of, pick

from harness.analysis.budget import QUANTITIES, Budget, Miss, Quantity, limited
from harness.analysis.commands import budget_options
from harness.analysis.ladder import Step
from harness.analysis.ladder_text import limit_of, start_text
from harness.analysis.miss_text import advice, option_value
from harness.analysis.quantities import limit_text
from harness.cli.budget_options import parse_budget
from harness.cli.units import parse_count, parse_share, parse_time
from synthetic import EMULATOR

IN_UNITS = st.floats(1e-9, 1e9)


def parsed(option: str, value: str) -> Budget:
    return parse_budget(**{option[2:].replace("-", "_"): value})  # type: ignore[arg-type]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.option)
@given(value=IN_UNITS)
@example(value=5.1)
@example(value=0.000175)
def test_a_relaxed_limit_is_read_back_and_admits_the_cell(quantity: Quantity, value: float) -> None:
    needed = value * quantity.unit_size
    miss = Miss(quantity.name, quantity.option, needed / 2, needed, "", quantity)
    limit = quantity.limit(parsed(quantity.option, option_value(miss)))
    assert limit is not None
    assert limit >= needed
    # At three digits, of whole nanoseconds, bytes or instructions.
    assert limit <= 1.0101 * needed + quantity.whole


@given(value=IN_UNITS, emulated=st.booleans())
@example(value=6e-05, emulated=False)
def test_the_budget_of_a_step_is_read_back_and_admits_it(value: float, emulated: bool) -> None:
    candidate = pick([cell_of(0.5, 128, ms=1)], max_latency_ns=2 * MS).best
    assert candidate
    if emulated:
        candidate = change(candidate, cell=cell_of(0.5, 128, ms=1, device=EMULATOR))
    step = Step(candidate, value * 1e6, None, None)
    parse = parse_count if emulated else parse_time
    assert parse(limit_of(step)) >= step.cost
    assert parse(start_text(step).removesuffix(" instructions")) >= step.cost


@given(value=IN_UNITS)
def test_the_options_of_a_budget_are_read_back(value: float) -> None:
    for quantity in QUANTITIES:
        text = limit_text(value * quantity.unit_size, quantity.unit, quantity.unit_size, whole=quantity.whole)
        budget = parsed(quantity.option, text)
        option, written = budget_options(budget)
        assert limited(parsed(option, written)) == (quantity,)
        assert quantity.limit(parsed(option, written)) == pytest.approx(quantity.limit(budget), rel=1e-14)


@given(share=st.floats(1e-9, 1.0))
def test_a_relaxed_accuracy_is_read_back_and_admits_the_cell(share: float) -> None:
    miss = Miss("accuracy", "--min-accuracy", 1.0, share, "")
    assert 0 < parse_share(option_value(miss)) <= share * (1 + 1e-12)


def test_an_accuracy_of_nothing_has_no_limit_that_admits_it() -> None:
    assert advice(Miss("accuracy", "--min-accuracy", 0.5, 0.0, "")) == "leave out --min-accuracy"


@pytest.mark.parametrize(("needed_joules", "value"), [(1.75e-7, "0.000175mJ"), (1.7512e-7, "0.000176mJ")])
def test_an_energy_is_rounded_up_at_three_digits(needed_joules: float, value: str) -> None:
    assert limit_text(needed_joules, "mJ", 1e-3, whole=False) == value
