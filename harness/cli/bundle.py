"""`harness bundle`: build, export, import."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, bundle_app, print_json, show
from harness.cli.options import Json
from harness.system.text import printable


@bundle_app.command("build", cls=GroupedCommand)
def bundle_build(json: Json = False) -> None:
    """Build the runner for arm64 and x86-64 now, unless both are built already."""
    from harness.runner.bundle import ABIS, ensure_bundle

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
) -> None:
    """Write the built runners to one file, for hosts without a compiler."""
    from harness.runner.bundle import export_bundles

    export_bundles(file)
    if json:
        print_json({"file": file.resolve()})
    else:
        show(printable(str(file)))


@bundle_app.command("import", cls=GroupedCommand)
def bundle_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `harness bundle export` wrote.")],
    json: Json = False,
) -> None:
    """Use the runners of an exported file instead of building them."""
    from harness.runner.bundle import import_bundles

    import_bundles(file)
    if json:
        print_json({"file": file.resolve()})
