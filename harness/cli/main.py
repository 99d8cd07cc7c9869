"""The command line: gathers the commands and turns errors into exit codes."""

import os
import sys
import threading

from harness.cli.application import app, console_for
from harness.errors import HarnessError, Interrupted

# isort: off
# In the order in which --help lists them.
from harness.cli import run
from harness.cli import lower
from harness.cli import report
from harness.cli import devices

# isort: on

__all__ = ["app", "devices", "lower", "main", "report", "run"]


def main() -> None:
    """Run a command; errors become one readable block on stderr and the contract's exit code."""
    try:
        app()
    except HarnessError as error:
        if "--debug" in sys.argv:
            raise
        from harness.cli.console import print_error

        print_error(console_for(stderr=True), error)
        others = set(threading.enumerate()) - {threading.main_thread()}
        if isinstance(error, Interrupted) and not all(thread.daemon for thread in others):
            # After a second Ctrl-C: Python would wait for threads that wait for a silent device.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(error.exit_code)
        sys.exit(error.exit_code)
