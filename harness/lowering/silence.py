"""Torch and ExecuTorch without what they tell about each other."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# These filters, PyTorch's exporter and its number of threads are the whole process's.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def quietly() -> Iterator[None]:
    """Hide log records up to WARNING and Python warnings, one thread at a time; errors still show."""
    with _ONE_AT_A_TIME:
        previous = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logging.disable(previous)
