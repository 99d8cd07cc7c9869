"""Ray, imported with its environment set: it reads that once, as it is imported."""

import logging
import os

from harness.lab.environment import ray_environment

os.environ.update(ray_environment())
import ray  # noqa: E402
from ray.exceptions import RayError  # noqa: E402
from ray.util import list_named_actors  # noqa: E402

# What it has to say is raised, too.
logging.getLogger("ray").setLevel(logging.ERROR)

__all__ = ["RayError", "list_named_actors", "ray"]
