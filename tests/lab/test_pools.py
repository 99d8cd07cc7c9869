"""Which device of a pool measures which variant."""

from msgspec.structs import replace

from builders import make_cell, make_device
from harness.lab.pools import Everything, Pool
from harness.records import Cell, Variant, Weights

VARIANTS = tuple(
    Variant(width=width, resolution_px=128, precision="int8") for width in (0.25, 0.5, 0.75, 1.0)
)
FIRST, *OTHERS = VARIANTS


def cell_of(variant: Variant, device: str) -> Cell:
    return replace(make_cell(), variant=variant, device=make_device(name=device))


def test_each_device_measures_everything_without_a_pool() -> None:
    shares = Everything(VARIANTS)
    assert (shares.take("a"), shares.take("b")) == (VARIANTS, VARIANTS)
    assert shares.take("a") == ()
    assert shares.is_over()


def test_the_first_variant_goes_to_all_devices_and_each_other_one_to_whichever_is_free() -> None:
    pool = Pool(VARIANTS, ("a", "b"), ())
    assert (pool.take("a"), pool.take("b")) == ((FIRST,), (FIRST,))
    assert [pool.take(device) for device in ("a", "a", "b")] == [(variant,) for variant in OTHERS]
    assert pool.take("a") == ()
    # `b` may still give its variant back.
    assert not pool.is_over()
    assert pool.take("b") == ()
    assert pool.is_over()


def test_what_a_device_lost_is_measured_by_another_one() -> None:
    pool = Pool(VARIANTS[:2], ("a", "b"), ())
    pool.take("a"), pool.take("b")
    assert pool.take("a") == (OTHERS[0],)
    assert pool.take("b") == ()
    pool.give_back("a")
    assert pool.take("b") == (OTHERS[0],)


def test_the_common_variant_of_a_device_that_is_lost_moves_nowhere() -> None:
    pool = Pool(VARIANTS[:1], ("a", "b"), ())
    pool.take("a"), pool.take("b")
    pool.give_back("a")
    assert pool.take("b") == ()
    assert pool.is_over()


def test_a_resumed_run_gives_each_device_what_it_began_and_the_rest_of_absent_ones_to_any() -> None:
    begun = (cell_of(VARIANTS[1], "a"), cell_of(VARIANTS[2], "gone"), cell_of(FIRST, "a"))
    pool = Pool(VARIANTS, ("a", "b"), begun)
    assert [pool.take("a"), pool.take("a")] == [(FIRST,), (VARIANTS[1],)]
    assert [pool.take("b") for _ in range(4)] == [(FIRST,), (VARIANTS[2],), (VARIANTS[3],), ()]


def test_what_any_device_has_measured_is_measured_by_no_other_one_also_when_that_device_is_gone() -> None:
    measured = {("a", FIRST), ("gone", VARIANTS[1]), ("a", VARIANTS[2])}
    cells = tuple(cell_of(variant, device) for device, variant in measured)
    pool = Pool(VARIANTS, ("a", "b"), cells, lambda device, variant: (device, variant) in measured)
    assert pool.has_work()
    assert [pool.take("a"), pool.take("a")] == [(VARIANTS[3],), ()]
    assert [pool.take("b"), pool.take("b")] == [(FIRST,), ()]
    whole = Pool(VARIANTS[:3], ("a",), cells, lambda device, variant: (device, variant) in measured)
    assert not whole.has_work()


def test_of_two_variants_of_one_name_a_resumed_run_loses_none() -> None:
    files = [replace(VARIANTS[1], weights=Weights(source=name, sha256=name)) for name in ("one", "two")]
    for begun, other in (files, files[::-1]):
        pool = Pool((FIRST, *files), ("a", "b"), (cell_of(begun, "a"),))
        assert [pool.take("a"), pool.take("b")] == [(FIRST,)] * 2
        assert [pool.take("a"), pool.take("b")] == [(begun,), (other,)]
