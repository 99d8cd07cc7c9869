# make demo    set everything up and measure a small sweep on this machine and on an emulated ARM core
# make test    set everything up and run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_RUN ?= results/demo

.PHONY: demo test lint setup arm-vm bench clean

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml .ci/setup_host.sh
	sh .ci/setup_host.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q -e '.[dev]'
	touch $@

demo: setup
	rm -rf $(DEMO_RUN)
	$(BIN)/harness run --device host,emulator --width 0.25,0.5 --resolution 128 --out $(DEMO_RUN)

# The ARM machine for tests; built once from Debian's packages and cached.
arm-vm: setup
	$(BIN)/python -c 'from harness.devices.arm_vm import build_machine; build_machine(print)'

test: setup arm-vm
	$(BIN)/harness bundle build
	$(BIN)/pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

clean:
	rm -rf $(VENV) results
