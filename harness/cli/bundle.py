"""`harness bundle`: build, export, import."""

import re
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, bundle_app, print_json, show
from harness.cli.options import Json, Verbose
from harness.errors import UsageError
from harness.system.text import printable


@bundle_app.command("build", cls=GroupedCommand)
def bundle_build(json: Json = False, verbose: Verbose = False) -> None:
    """Build the runner for arm64 and x86-64 now.

    What is built already is kept.
    """
    from harness.runner.bundle import ABIS, ensure_bundle
    from harness.system.paths import check_cache

    check_cache()
    folders = {abi: ensure_bundle(abi).folder for abi in ABIS}
    if json:
        print_json({"bundles": folders})
    else:
        for abi, folder in folders.items():
            show(printable(f"{abi}: {folder}"))


@bundle_app.command("export", cls=GroupedCommand)
def bundle_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, .tar.gz.")],
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write the built runners to one file, for hosts without a compiler.

    Give its SHA-256 with it: the runners are code.
    """
    from harness.cli.output_places import check_output_file
    from harness.runner.bundle import export_bundles
    from harness.system.files import hash_file
    from harness.system.paths import check_cache

    check_output_file(file, "FILE")
    check_cache()
    export_bundles(file)
    digest = hash_file(file)
    if json:
        print_json({"file": file.resolve(), "sha256": digest})
    else:
        show(printable(str(file)))
        show(f"sha256 {digest}")


@bundle_app.command("import", cls=GroupedCommand)
def bundle_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `harness bundle export` wrote.")],
    sha256: Annotated[
        str | None,
        typer.Option(
            metavar="HEX", help="SHA-256 that the file must have, as `harness bundle export` printed it."
        ),
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Use the runners of an exported file instead of building them.

    The runners are code that runs on your devices and on this machine: import only what you trust.
    """
    from harness.runner.bundle import import_bundles
    from harness.system.paths import check_cache

    digest = _parse_sha256(sha256)
    check_cache()
    imported = import_bundles(file, sha256=digest)
    if json:
        print_json(
            {
                "file": file.resolve(),
                "sha256": imported.sha256,
                "origin": imported.origin,
                "abis": [bundle.abi for bundle in imported.bundles],
            }
        )
        return
    show(printable(f"{file}: sha256 {imported.sha256}"))
    origin = imported.origin
    show(printable(f"built with ExecuTorch {origin.executorch_version}, runner sources {origin.bundle_key}"))
    for bundle in imported.bundles:
        show(printable(f"{bundle.abi}: {bundle.folder}"))


def _parse_sha256(text: str | None) -> str | None:
    if text is None:
        return None
    digest = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise UsageError(
            f"--sha256 {text!r} is not a digest of 64 hexadecimal digits: it has {len(digest)} characters",
            hint="copy all digits that `harness bundle export` printed",
        )
    return digest
