"""Ray, imported with its environment set: it reads that once, as it is imported."""

import logging
import os
from dataclasses import dataclass
from typing import Any

from harness.lab.environment import ray_environment

os.environ.update(ray_environment())
import ray as library
from ray import _raylet
from ray._common.usage import usage_lib
from ray._private import utils, worker
from ray.exceptions import AuthenticationError, RayError
from ray.util import list_named_actors

# Its types know nothing of an actor's options.
ray: Any = library
_raylet_api: Any = _raylet
_utils: Any = utils
GcsClient = _raylet_api.GcsClient
# What it has to say is raised, too.
logging.getLogger("ray").setLevel(logging.CRITICAL)
# Ray prints what its servers report on stdout, where --json has its one document; no option prevents it.
worker.print_to_stdstream = lambda *_, **__: None

__all__ = [
    "AuthenticationError",
    "GcsClient",
    "RayError",
    "Versions",
    "get_cluster_metadata",
    "list_named_actors",
    "own_versions",
    "ray",
]


@dataclass(frozen=True)
class Versions:
    """Those that Ray compares when a process connects."""

    ray: str
    python: str


def own_versions() -> Versions:
    """Of this process."""
    return Versions(*_utils.compute_version_info())


def get_cluster_metadata(client: Any) -> dict[str, str]:
    """What the head recorded of itself as it started: `ray_version`, `python_version`, and more."""
    found: dict[str, str] = usage_lib.get_cluster_metadata(client)
    return found
