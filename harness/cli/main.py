"""The command line: gathers the commands and turns errors into exit codes."""

import sys

try:  # A Ctrl-C in the first second comes while modules are still imported.
    import typer

    from harness.cli.application import app, bundle_app, lab_app
    from harness.cli.failures import fail, is_given, leave
    from harness.cli.interrupts import hear_every_interrupt
    from harness.cli.last_door import (
        check_words,
        check_working_folder,
        keep_others_from_writing,
        open_missing_streams,
        print_any_text,
    )
    from harness.errors import Interrupted

    # isort: off
    # In the order in which --help lists them.
    from harness.cli import run
    from harness.cli import lower
    from harness.cli import report
    from harness.cli import compare
    from harness.cli import pick
    from harness.cli import predict
    from harness.cli import history
    from harness.cli import export
    from harness.cli import schema
    from harness.cli import evaluate
    from harness.cli import train
    from harness.cli import devices
    from harness.cli import doctor
    from harness.cli import lab
    from harness.cli import bundle

    # isort: on
except KeyboardInterrupt:
    sys.stderr.write("error: interrupted\n")
    sys.exit(130)

__all__ = [
    "app",
    "bundle",
    "compare",
    "devices",
    "doctor",
    "evaluate",
    "export",
    "history",
    "lab",
    "lower",
    "main",
    "pick",
    "predict",
    "report",
    "run",
    "schema",
    "train",
]

app.add_typer(lab_app, name="lab")
app.add_typer(bundle_app, name="bundle")


def main() -> None:
    """Run a command; errors become one readable block on stderr and the contract's exit code."""
    as_json, debug = is_given("--json"), is_given("--debug")
    try:
        open_missing_streams()
        hear_every_interrupt()  # Its pipe would take the number of a stream that is missing.
        keep_others_from_writing()
        print_any_text()
        check_words(sys.argv[1:])
        check_working_folder()
        exit_code = typer.main.get_command(app).main(prog_name="harness", standalone_mode=False)
        if exit_code == Interrupted.exit_code:  # typer's answer to a Ctrl-C that no command took
            raise Interrupted("interrupted")
        sys.stdout.flush()  # Here, where a full disk or an ended reader still becomes a block.
    except KeyboardInterrupt:
        error = Interrupted("interrupted")
        leave(error, fail(error, json=as_json, debug=debug))
    except Exception as error:
        leave(error, fail(error, json=as_json, debug=debug))
    sys.exit(exit_code or 0)
