"""Commands that a result prints: read by the command line they are for, they ask for what is meant."""

from pathlib import Path

import msgspec
import pytest
import typer
from typer.core import TyperGroup

from harness.analysis.commands import Words, lower_command
from harness.cli.inputs import parse_variants
from harness.cli.main import app
from harness.lowering.lower import variants_of
from harness.records import RANDOM_WEIGHTS, RunRequest, Variant, Weights


def read(words: Words) -> RunRequest:
    """The request that these words make `harness lower` lower."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    assert words[:2] == ("harness", "lower")
    given = root.commands["lower"].make_context("lower", list(words[2:])).params
    fields = {name: given[name] for name in given if name not in ("out", "json", "quiet", "verbose")}
    return RunRequest(**parse_variants(**fields), devices=(), threads=(1,))


@pytest.mark.parametrize(
    "variant",
    [
        Variant(width=0.25, resolution_px=128, precision="int8"),
        Variant(width=0.1234567, resolution_px=224, precision="fp32", padding="tf_same", classes=10),
        Variant(width=0.5, resolution_px=96, precision="int8", runtime="onnxruntime"),
        Variant(width=1.0, resolution_px=64, precision="fp16", weights=Weights(source="random", seed=7)),
    ],
    ids=lambda variant: variant.name,
)
def test_the_command_that_makes_a_file_again_lowers_that_variant(variant: Variant) -> None:
    request = RunRequest(devices=("host",), widths=(), resolutions_px=(), precisions=(), threads=(1,))
    assert variants_of(read(lower_command(variant, request, Path("a b/artifacts")))) == (variant,)


def test_it_names_the_weights_and_the_calibration_of_the_run(tmp_path: Path) -> None:
    files = (tmp_path / "w 25.safetensors", tmp_path / "w50.safetensors")
    for file in files:
        file.write_text("")
    request = RunRequest(
        devices=("host",),
        widths=(),
        resolutions_px=(),
        precisions=("int8",),
        threads=(1,),
        weights_files=tuple(map(str, files)),
        calibration_dataset="fashion-mnist:train",
        observer="percentile",
        allow_undelegated=True,
    )
    weights = Weights(source="w 25.safetensors", sha256="a" * 64)
    variant = Variant(width=0.25, resolution_px=128, precision="int8", classes=10, weights=weights)
    words = lower_command(variant, request, tmp_path)
    assert read(words) == msgspec.structs.replace(
        request,
        devices=(),
        widths=(0.25,),
        resolutions_px=(128,),
        weights_files=(str(files[0]),),
        weights=RANDOM_WEIGHTS,
    )
    fp32 = lower_command(msgspec.structs.replace(variant, precision="fp32"), request, tmp_path)
    assert "--calibrate" not in fp32
