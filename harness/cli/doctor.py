"""`harness doctor`."""

from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, console_for, examples, log, print_json, show
from harness.cli.options import Json, Verbose
from harness.system.text import printable


@app.command(
    cls=GroupedCommand,
    short_help="Find problems that would distort results.",
    epilog=examples("harness doctor", "harness doctor pixel"),
)
def doctor(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A device; without one, only this machine.")
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Check this machine and a device for problems that would distort results, and suggest fixes.

    Exit code 0 fit, 4 unfit.
    """
    from harness.cli.tables import print_table
    from harness.devices import inventory
    from harness.measuring.doctor import examine

    targets = inventory.resolve((name,)) if name else (None,)
    diagnoses = tuple(dict.fromkeys(found for target in targets for found in examine(target, log)))
    if json:
        print_json(diagnoses)
    else:
        rows = [(d.subject, d.what, d.level, d.detail) for d in diagnoses]
        print_table(console_for(), "", ("of", "what", "", "found"), rows, identity=2)
        for diagnosis in diagnoses:
            if diagnosis.fix:
                show(printable(f"{diagnosis.subject}, {diagnosis.what}: {diagnosis.fix}"))
    raise typer.Exit(4 if any(diagnosis.level == "unfit" for diagnosis in diagnoses) else 0)
