"""Ray, imported with its environment set: it reads that once, as it is imported."""

import logging
import os
from typing import Any

from harness.lab.environment import ray_environment

os.environ.update(ray_environment())
import ray as library
from ray.exceptions import RayError
from ray.util import list_named_actors

# Its types know nothing of an actor's options.
ray: Any = library
# What it has to say is raised, too.
logging.getLogger("ray").setLevel(logging.ERROR)

__all__ = ["RayError", "list_named_actors", "ray"]
