"""The base of a run: found by variant and sha256 before anything is touched, or refused with what to do."""

import hashlib
from pathlib import Path

import pytest

from builders import make_artifact, make_cell, make_plan, make_run
from harness.errors import UsageError
from harness.measuring.base_side import find_base, read_comparison
from harness.records import Cell, Variant, Weights
from harness.records.base_cells import base_folder, read_base_cells
from harness.records.run_folder import load_run, read_run, write_cell, write_run

PROGRAM = b"a program"
SHA256 = hashlib.sha256(PROGRAM).hexdigest()
VARIANT = Variant(width=0.5, resolution_px=128, precision="fp32")
OTHER = Variant(width=0.25, resolution_px=128, precision="fp32")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def cell_of(variant: Variant = VARIANT, threads: int = 1, sha256: str = SHA256) -> Cell:
    artifact = make_artifact(variant=variant, sha256=sha256, size_bytes=len(PROGRAM), params=9)
    return make_cell(artifact=artifact, plan=make_plan(threads=threads))


def save(folder: Path, *cells: Cell, program: bytes | None = PROGRAM) -> Path:
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
        (folder / "artifacts").mkdir(exist_ok=True)
        if program is not None:
            (folder / "artifacts" / f"{cell.variant.name}.pte").write_bytes(program)
    return folder


def test_a_program_is_found_once_whatever_the_placements(tmp_path: Path) -> None:
    folder = save(tmp_path / "base", cell_of(), cell_of(threads=2), cell_of(OTHER))
    logged: list[str] = []
    third = Variant(width=1.0, resolution_px=128, precision="fp32")
    base = find_base(str(folder), [VARIANT, third], logged.append)
    assert base is not None
    assert base.programs[VARIANT].program == folder / "artifacts" / f"{VARIANT.name}.pte"
    assert base.run.id == read_run(folder).id
    assert (base.run.not_asked, base.run.without_base) == ((OTHER.name,), (third.name,))
    assert logged == [f"measured alone, because the base has none: {third.name}"]
    assert base.programs[VARIANT].reference_input is None


def test_without_a_base_there_is_none() -> None:
    assert find_base(None, [VARIANT], print) is None


def test_random_weights_of_another_seed_are_the_same_variant_by_name(tmp_path: Path) -> None:
    folder = save(tmp_path / "base", cell_of())
    seeded = Variant(width=0.5, resolution_px=128, precision="fp32", weights=Weights(source="random", seed=7))
    base = find_base(str(folder), [seeded], print)
    assert base is not None
    assert list(base.programs) == [seeded]


@pytest.mark.parametrize("program", [None, b"another one", b"another 1"])
def test_a_program_that_is_gone_or_another_is_refused_with_its_place(
    tmp_path: Path, program: bytes | None
) -> None:
    folder = save(tmp_path / "base", cell_of(), program=program)
    with pytest.raises(UsageError, match=f"{SHA256[:12]} is neither in .*artifacts nor in the") as raised:
        find_base(str(folder), [VARIANT], print)
    assert f"artifacts/{VARIANT.name}.pte" in (raised.value.hint or "")
    assert raised.value.variant == VARIANT.name


def test_a_base_without_any_of_the_variants_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "base", cell_of(OTHER))
    with pytest.raises(UsageError, match=r"has none of the variants asked for: mobilenet_v1_0\.25_128_fp32"):
        find_base(str(folder), [VARIANT], print)


def test_a_base_of_several_weights_is_refused_unless_the_variant_names_one(tmp_path: Path) -> None:
    named = [
        Variant(
            width=0.5,
            resolution_px=128,
            precision="fp32",
            weights=Weights(source=f"{name}.safetensors", sha256=name * 64),
        )
        for name in "ab"
    ]
    folder = save(
        tmp_path / "base",
        *(cell_of(variant, sha256=sha) for variant, sha in zip(named, (SHA256, "c" * 64), strict=True)),
    )
    with pytest.raises(UsageError, match="has 2 programs of this variant"):
        find_base(str(folder), [VARIANT], print)
    base = find_base(str(folder), [named[0]], print)
    assert base is not None
    assert base.programs[named[0]].artifact.sha256 == SHA256


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run folder"):
        find_base(str(tmp_path), [VARIANT], print)


def test_the_side_of_the_base_is_a_run_folder_with_its_programs(tmp_path: Path) -> None:
    base = find_base(str(save(tmp_path / "base", cell_of())), [VARIANT], print)
    assert base is not None
    new = save(tmp_path / "new", cell_of())
    run = read_run(new)
    assert not base.start(run, new)
    assert not base.start(run, new)  # a resumed run does it again
    assert (base_folder(new) / "artifacts" / f"{VARIANT.name}.pte").read_bytes() == PROGRAM
    assert read_base_cells(new) == ()
    write_cell(base_folder(new), cell_of())
    assert load_run(base_folder(new))[0].id == base.run.id
    with pytest.raises(UsageError, match="was measured against no other"):
        read_comparison(new)
