"""`harness schema`."""

from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples
from harness.cli.options import Json, Verbose
from harness.errors import UsageError
from harness.system.text import printable


@app.command(cls=GroupedCommand, epilog=examples("harness schema cell > cell.schema.json"))
def schema(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="cell (cells/*.json) or run (run.json).")],
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Print the JSON Schema of a saved file.

    For other programs that read run folders. Fields may be added in a minor version of the schema; none is
    removed or changes its meaning before the next major one. Names end with their unit; a figure that could
    not be had is null.
    """
    import msgspec

    from harness.records.published_schema import SAVED_RECORDS, json_schema

    if record not in SAVED_RECORDS:
        raise UsageError(
            f"there is no schema of {printable(record)!r}",
            hint=f"choose {' or '.join(sorted(SAVED_RECORDS))}",
        )
    encoded = msgspec.json.encode(json_schema(record))
    typer.echo(encoded if json else msgspec.json.format(encoded, indent=2))
