"""Makes simulated devices known to a Python process that has this folder in its PYTHONPATH.

Ray starts the processes of a host, which then open its devices: each learns of the kind as soon as it has
imported the others.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

KINDS = "harness.devices.kinds"


class _AddsKind(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        from simulated_device import KIND, SIMULATED

        module.KINDS[KIND] = SIMULATED


class _FindsKinds(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != KINDS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            spec.loader = _AddsKind(spec.loader)
        return spec


sys.meta_path.insert(0, _FindsKinds())
