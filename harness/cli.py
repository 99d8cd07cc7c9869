"""The command line: gathers the commands and turns errors into exit codes."""

import sys

from harness.commands.application import app, console_for
from harness.errors import HarnessError

# isort: off
# In the order in which --help lists them.
from harness.commands import running, making, results, devices

# isort: on

__all__ = ["app", "devices", "main", "making", "results", "running"]


def main() -> None:
    """Run a command; errors become one readable block on stderr and the contract's exit code."""
    try:
        app()
    except HarnessError as error:
        if "--debug" in sys.argv:
            raise
        from harness.display import print_error

        print_error(console_for(stderr=True), error)
        sys.exit(error.exit_code)
