"""`harness lower`: each variant's program is written, or its error returned."""

from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest
from small_variants import SMALL, SMALL_INT8

from harness.errors import LoweringError, UsageError
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import SEEDED
from harness.lowering.lower import lower_to, lowering_errors, variants_of
from harness.records import DEFAULT_PADDING, RunRequest, Variant
from harness.records.progress import Event

REQUEST = RunRequest(
    devices=(),
    widths=(0.25,),
    resolutions_px=(32,),
    precisions=("fp32",),
    threads=(1,),
    paddings=("symmetric",),
)


def test_variants_are_the_product_of_the_lists_in_the_order_given() -> None:
    request = msgspec.structs.replace(
        REQUEST, widths=(0.5, 0.25), precisions=("int8", "fp32"), paddings=("tf_same", "symmetric")
    )
    assert [variant.name for variant in variants_of(request)] == [
        f"mobilenet_v1_{width}_32_{precision}{padding}"
        for width in (0.5, 0.25)
        for precision in ("int8", "fp32")
        for padding in ("_tf_same", "")
    ]


def test_padding_is_symmetric_when_none_is_asked_for() -> None:
    (variant,) = variants_of(REQUEST)
    assert variant.padding == DEFAULT_PADDING == "symmetric"


@pytest.mark.slow
def test_a_program_is_written_under_its_variants_name(small: StoredArtifact, tmp_path: Path) -> None:
    events: list[Event] = []
    artifacts, errors = lower_to(REQUEST, tmp_path / "new" / "folder", events.append)
    assert (artifacts, errors) == ((small.artifact,), ())
    (file,) = (tmp_path / "new" / "folder").iterdir()
    assert file.name == f"{SMALL.name}.pte"
    assert file.read_bytes() == small.program.read_bytes()
    # Nothing is reported as lowered that was in the cache.
    assert events == []


@pytest.mark.slow
def test_a_link_in_the_place_of_a_program_is_replaced_and_not_followed(
    small: StoredArtifact, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("a private key")
    file = tmp_path / "out" / f"{SMALL.name}.pte"
    file.parent.mkdir()
    file.symlink_to(tmp_path / "key")
    assert lower_to(REQUEST, tmp_path / "out", lambda _: None) == ((small.artifact,), ())
    assert not file.is_symlink()
    assert file.read_bytes() == small.program.read_bytes()
    assert (tmp_path / "key").read_text() == "a private key"


@pytest.mark.slow
def test_one_variant_that_cannot_be_written_does_not_stop_the_others(
    small: StoredArtifact, small_int8: StoredArtifact, tmp_path: Path
) -> None:
    (tmp_path / f"{SMALL.name}.pte").mkdir()
    inputs = {SMALL: SEEDED, SMALL_INT8: SEEDED}
    artifacts, (error,) = lower_to(REQUEST, tmp_path, lambda _: None, inputs=inputs)
    assert artifacts == (small_int8.artifact,)
    assert isinstance(error, LoweringError)
    assert error.what == f"cannot write {tmp_path / SMALL.name}.pte: Is a directory"
    assert error.variant == SMALL.name


@pytest.mark.slow
def test_one_variant_that_cannot_be_lowered_does_not_stop_the_others(
    small: StoredArtifact, tmp_path: Path
) -> None:
    impossible = msgspec.structs.replace(SMALL, resolution_px=100)
    artifacts, (error,) = lower_to(
        REQUEST, tmp_path, lambda _: None, inputs={impossible: SEEDED, SMALL: SEEDED}
    )
    assert artifacts == (small.artifact,)
    assert "multiple of 32" in error.what
    assert error.variant == impossible.name


def test_an_unexpected_error_is_reported_once_beside_those_of_single_variants() -> None:
    unexpected, own = ValueError("odd"), LoweringError("own")
    artifacts: dict[Variant, Future[StoredArtifact]] = {}
    for width, error in ((0.25, unexpected), (0.5, own), (0.75, unexpected)):
        future: Future[StoredArtifact] = Future()
        future.set_exception(error)
        artifacts[Variant(width=width, resolution_px=32, precision="fp32")] = future
    first, second = lowering_errors(artifacts)
    assert first.what.startswith("the harness has a defect: ValueError: odd")
    assert second is own


def test_a_precision_of_a_newer_version_is_refused_once_before_anything_is_lowered(
    own_cache: Path, tmp_path: Path
) -> None:
    request = msgspec.structs.replace(REQUEST, precisions=("fp32", "fp4"))
    with pytest.raises(UsageError, match="there is no precision 'fp4'"):
        lower_to(request, tmp_path, lambda _: None)
    assert not own_cache.exists()


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_lowered(
    own_cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot make the folder .*file/artifacts: Not a directory"):
        lower_to(REQUEST, tmp_path / "file" / "artifacts", lambda _: None)
    assert not own_cache.exists()
