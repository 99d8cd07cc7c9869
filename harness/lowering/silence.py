"""Torch and ExecuTorch without the warnings that they log about each other."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Warning filters, PyTorch's exporter and its number of threads are shared by all threads of the process.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def quietly() -> Iterator[None]:
    """Hide Python warnings and log records up to WARNING; other threads wait; errors are still logged."""
    with _ONE_AT_A_TIME:
        previous = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logging.disable(previous)
