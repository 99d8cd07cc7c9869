"""Where each node of a graph is from, which PyTorch records and nothing here reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.fx.traceback import NodeSource


@contextmanager
def shared_node_sources() -> Iterator[None]:
    """Let a node's record refer to those of the nodes before it.

    PyTorch copies all of them for each node of each pass, which takes a tenth of the time of an int8 program.
    None is changed once it is made. The program's bytes are the same. Not for two threads at once.
    """

    def refer(source: NodeSource, _memo: dict[int, Any]) -> NodeSource:
        return source

    NodeSource.__deepcopy__ = refer  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del NodeSource.__deepcopy__  # type: ignore[attr-defined]
