"""Which own programs are measured, and what is refused before anything is touched."""

from pathlib import Path

import numpy as np
import pytest

from harness.errors import BundleError, UsageError
from harness.measuring import own_programs
from harness.measuring.own_programs import model_name, prepare_programs
from harness.records import RunRequest
from harness.runner.local_run import Capabilities
from program_files import MethodText, ProgramText, Tensor

KNOWN = Capabilities(frozenset({"aten::add.out", "aten::mean.out"}), frozenset({"XnnpackBackend"}))


@pytest.fixture(autouse=True)
def known_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner with two kernels and XNNPACK; none is built."""

    class Bundle:
        sha256 = "b" * 64

    monkeypatch.setattr(own_programs, "ensure_bundle", lambda abi: Bundle())
    monkeypatch.setattr(own_programs, "list_capabilities", lambda bundle: KNOWN)


def request(*programs: Path, methods: tuple[str, ...] = (), inputs: tuple[Path, ...] = ()) -> RunRequest:
    return RunRequest(
        devices=("host",),
        widths=(),
        resolutions_px=(),
        precisions=("as_is",),
        threads=(1,),
        programs=tuple(map(str, programs)),
        methods=methods,
        program_inputs=tuple(map(str, inputs)),
    )


def write(tmp_path: Path, *methods: MethodText, name: str = "net.pte") -> Path:
    return ProgramText(methods or (MethodText(),)).write(tmp_path / name)


def test_a_request_without_programs_has_none() -> None:
    assert prepare_programs(request(), print) is None


def test_each_method_of_each_file_is_a_variant_named_by_its_file(tmp_path: Path) -> None:
    two = write(tmp_path, MethodText(), MethodText(name="encode"))
    one = write(tmp_path, name="my net (v2).pte")
    inputs = prepare_programs(request(two, one), print) or {}
    assert [variant.name for variant in inputs] == ["net", "net.encode", "my_net_v2_"]
    assert [variant.weights.source for variant in inputs] == ["net.pte", "net.pte", "my net (v2).pte"]
    assert all(variant.width is variant.classes is None for variant in inputs)
    only = prepare_programs(request(two, methods=("encode",)), print) or {}
    assert [variant.method for variant in only] == ["encode"]


def test_methods_that_cannot_be_measured_are_left_out_unless_they_are_asked_for(tmp_path: Path) -> None:
    size = MethodText(name="get_vocabulary_size", inputs=())
    program = write(tmp_path, size, MethodText())
    logged: list[str] = []
    inputs = prepare_programs(request(program), logged.append) or {}
    assert [variant.method for variant in inputs] == ["forward"]
    assert logged[0].startswith("not measured: net.pte, method get_vocabulary_size: it has 0 inputs")
    with pytest.raises(UsageError, match="get_vocabulary_size: it has 0 inputs"):
        prepare_programs(request(program, methods=("get_vocabulary_size",)), print)
    with pytest.raises(UsageError, match="get_vocabulary_size: it has 0 inputs"):
        prepare_programs(request(write(tmp_path, size, name="sizes.pte")), print)


def test_a_delegate_that_the_runner_lacks_is_named(tmp_path: Path) -> None:
    program = write(tmp_path, MethodText(delegates=("CoreMLBackend", "XnnpackBackend")))
    with pytest.raises(UsageError) as refused:
        prepare_programs(request(program), print)
    assert refused.value.what == (
        "net.pte, method forward: the runner has no delegate CoreMLBackend; it has XnnpackBackend"
    )


def test_operators_that_the_runner_lacks_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    names = [("aten::add", "out"), *((f"custom::op{index}", "out") for index in range(7))]
    program = write(tmp_path, MethodText(operators=tuple(names), calls=tuple(range(8))))
    with pytest.raises(UsageError, match=r"has no operator custom::op0.out, .* and 2 more"):
        prepare_programs(request(program), print)


def test_without_a_runner_for_this_machine_programs_are_not_checked_and_that_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_compiler(abi: str) -> None:
        raise BundleError("no C++ compiler")

    monkeypatch.setattr(own_programs, "ensure_bundle", no_compiler)
    logged: list[str] = []
    program = write(tmp_path, MethodText(delegates=("CoreMLBackend",)))
    assert prepare_programs(request(program), logged.append)
    assert logged[0] == (
        "this machine has no runner, so programs are not checked before they run: no C++ compiler"
    )


def test_a_runner_that_cannot_be_started_here_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_started(bundle: object) -> None:
        raise BundleError("the runner cannot be started on this machine: Exec format error")

    monkeypatch.setattr(own_programs, "list_capabilities", not_started)
    logged: list[str] = []
    (files,) = (prepare_programs(request(write(tmp_path)), logged.append) or {}).values()
    assert files.own is not None
    assert files.own.runtime == "none"
    assert "Exec format error" in logged[0]


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_another_system_than_linux_has_no_runner_of_its_own(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    logged: list[str] = []
    assert prepare_programs(request(write(tmp_path)), logged.append)
    assert f"there is no runner for {system} on " in logged[0]


def test_inputs_must_fit_every_method(tmp_path: Path) -> None:
    np.save(tmp_path / "row.npy", np.zeros((2, 8), np.float32))
    tokens = MethodText(name="encode", inputs=(Tensor(scalar_type=4, sizes=(1, 6)),))
    program = write(tmp_path, MethodText(), tokens)
    with pytest.raises(
        UsageError, match=r"row.npy is float32, and net.pte, method encode, takes int64\[1,6\]"
    ):
        prepare_programs(request(program, inputs=(tmp_path / "row.npy",)), print)


def test_what_a_program_takes_and_gives_is_a_line(tmp_path: Path) -> None:
    program = write(tmp_path, MethodText(operators=(("aten::add", "out"),), calls=(0, 0)))
    logged: list[str] = []
    prepare_programs(request(program), logged.append)
    (line,) = logged
    assert line == (
        "net.pte, method forward: float32[2,8] -> float32[2,8]; delegates: XnnpackBackend; operators outside"
        " them: 2 (aten::add.out)"
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("net.pte", "net"),
        (".hidden.pte", "_.hidden"),
        ("ü.pte", "_"),
        ("a/b\n.pte", "b_"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_model_name_is_safe_in_every_path(file: str, name: str) -> None:
    assert model_name(Path(file)) == name
