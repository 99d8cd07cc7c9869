"""How many inputs each fuzzer tries: few in `make test`, thousands in `make bench-fuzz`."""

import os

import pytest


@pytest.fixture
def fuzz_runs() -> int:
    """Inputs of each fuzzer, from HARNESS_FUZZ_RUNS."""
    return int(os.environ.get("HARNESS_FUZZ_RUNS", "200"))
