# make setup            install the Debian packages and the Python packages that the harness needs
# make demo             measure a small sweep on this machine and on an emulated ARM core
# make demo-accuracy    train a grid of variants on Fashion-MNIST, then measure their latency and accuracy
# make test             run all tests
# make test-extras      run the tests of the extras litert and huggingface, in an environment of their own
# make lock             renew requirements.lock and requirements-extras.lock, the exact versions that are installed
# make runner-wheel     make dist/mobilenet_harness_runner-*.whl, the built runners for hosts without a compiler
# make image            build and try the image of .ci/Dockerfile; without docker, its steps in a new Debian root
# make docs             build the documentation as a site in build/site, with all links checked
# make lint             run the formatters, linters and type checks of .pre-commit-config.yaml
# make gate             fail if an inference costs more emulated ARM instructions than in benchmarks/base
# make gate-base        measure benchmarks/base again, after a change that is meant to cost more or less
# make bench            measure what the harness itself costs
# make bench-sustain    measure how right the figures of `harness run --sustain` are (16 minutes, on an idle machine)
# make bench-energy   measure how right the figures of `harness run --energy` are (20 minutes, on an idle machine)
# make bench-plot       draw benchmarks/history.jsonl as docs/images/bench_history.svg
# make bench-trust      measure how often intervals, comparisons and verdicts are right (on an idle machine)
# make bench-decision   count how often `harness pick` and `harness history` are right, on simulated runs
# make bench-report     measure how long a report of 1,000 cells takes, and how quickly its page answers
# make bench-nights     measure what a year of nightly runs takes: bytes, and time and memory of history (5 minutes)
# make bench-lab        measure what a lab of many hosts costs, and a thousand simulated devices (an hour, on an idle machine)
# make bench-faults     count what is lost when connections and hosts fail (an hour)
# make bench-diskfull   fill the disk at every write of small commands (an hour)
# make bench-fuzz       try thousands of damaged and hostile files and replies; FUZZ_RUNS=20000 for more
# make bench-install    measure what a light installation takes, and use it where nothing compiles
# make clean            delete .venv, .venv-extras and results
# Each target installs what it needs first.
# Where it is set, as in many images, each command would compile all of the harness again.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := .venv-extras
DEMO_RUN ?= results/demo

.PHONY: help demo demo-accuracy fashion-mnist test test-extras runner-wheel image docs lint lock gate gate-base setup arm-vm bench bench-sustain bench-energy bench-plot bench-trust bench-decision bench-report bench-nights bench-lab bench-faults bench-diskfull bench-fuzz bench-install clean

setup: $(VENV)/ready

help:
	@sed -n 's/^# make/make/p' Makefile

$(VENV)/ready: pyproject.toml requirements.lock .ci/setup_host.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; Debian 12 and Ubuntu 24.04 have it; choose another one with make PYTHON=...")'
	sh .ci/setup_host.sh
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	@echo "installing the Python packages: 5.6 GB, 2 GB where pip finds a CPU build of torch"
	$(BIN)/pip install -q --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install -q $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) '$(TORCH)'
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

# Exact versions and digests of all packages but torch: its CPU build, which is another file, must stay possible. torch
# itself pins the CUDA packages that its other build needs. TORCH_INDEX=URL takes torch from that index alone.
TORCH = $(shell sed -n 's/^ *"\(torch==[^"]*\)",$$/\1/p' pyproject.toml)
NOT_LOCKED = torch triton cuda-bindings cuda-pathfinder cuda-toolkit \
    $(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse \
    cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)

# What LiteRT's converter needs older than mypy and others do, so that no lock can hold both; and a package whose later
# versions refuse Python 3.11, which uv does not see.
OLDER_IN_EXTRAS = anyio|cattrs|pydantic|pydantic-core|typing-extensions|typing-inspection
BOUND_IN_EXTRAS = backports-strenum<1.3

# Renews requirements.lock with the newest versions that pyproject.toml allows, and the digests of ExecuTorch's wheels.
lock:
	rm -rf .lock-venv
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/pip install -q uv==0.13.9
	.lock-venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --extra dev --extra lab --extra lower $(addprefix --no-emit-package ,$(NOT_LOCKED)) \
	    --output-file requirements.lock pyproject.toml .ci/build_requirements.in
	grep -oE '^[A-Za-z0-9._-]+==[^ ]+( ;[^\\]*)?' requirements.lock | grep -vE '^($(OLDER_IN_EXTRAS))==' >.lock-venv/same
	echo '$(BOUND_IN_EXTRAS)' | cat - .lock-venv/same >.lock-venv/constraints
	.lock-venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --extra litert --extra huggingface --constraints .lock-venv/constraints \
	    $(addprefix --no-emit-package ,$(NOT_LOCKED)) $$(sed 's/==.*//; s/^/--no-emit-package /' .lock-venv/same) \
	    --output-file requirements-extras.lock pyproject.toml
	rm -rf .lock-venv
	sed -n '/^executorch==/,/^[^ ]/s/^ *--hash=sha256:\([0-9a-f]*\).*/\1/p' requirements.lock \
	    >harness/runner/bundle/executorch_wheels.sha256

demo: setup
	rm -rf $(DEMO_RUN)
	$(BIN)/harness run --device host,emulator --width 0.25,0.5 --resolution 128 --yes --out $(DEMO_RUN)

# Trains a grid of WIDTH-SIDE on Fashion-MNIST, two variants at a time, and measures latency and accuracy of
# the same files. Weights that exist are not trained again. The longest come first, so that both cores
# end together. 1.0-64 is left out: it alone takes as long as the next three.
ACCURACY_RUN ?= results/demo-accuracy
ACCURACY_GRID ?= 0.75-64 0.5-64 1.0-32 0.75-32 0.25-64 0.5-32 0.25-32
ACCURACY_EPOCHS ?= 1
ACCURACY_JOBS ?= 2
TRAINED = results/trained/fashion-mnist-$(ACCURACY_EPOCHS)-epochs
ACCURACY_WEIGHTS = $(ACCURACY_GRID:%=$(TRAINED)-%.safetensors)

demo-accuracy: setup fashion-mnist
	$(MAKE) --no-print-directory -j$(ACCURACY_JOBS) $(ACCURACY_WEIGHTS)
	rm -rf $(ACCURACY_RUN)
	$(BIN)/harness run --device host,emulator $(addprefix --weights ,$(ACCURACY_WEIGHTS)) \
	    --time-limit 3m --accuracy fashion-mnist --accuracy-on host --yes --out $(ACCURACY_RUN)

# One thread each: two networks on two cores are faster than one network on both.
$(TRAINED)-%.safetensors: SHELL := bash
$(TRAINED)-%.safetensors: | setup fashion-mnist
	mkdir -p $(@D)
	set -o pipefail; OMP_NUM_THREADS=1 $(BIN)/harness train --dataset fashion-mnist --epochs $(ACCURACY_EPOCHS) \
	    --width $(word 1,$(subst -, ,$*)) --resolution $(word 2,$(subst -, ,$*)) --out $@ 2>&1 | sed -u 's/^/$* /'

fashion-mnist:
	test -d /usr/share/datasets/fashion-mnist || $(if $(filter 0,$(shell id -u)),,sudo) apt-get install -q -y dataset-fashion-mnist

# The ARM machine for tests, its kernel with pages of 16 KB, and its disk that is like a phone's; built once from Debian's packages and cached.
arm-vm: setup
	$(BIN)/python -c 'from harness.devices.arm_vm.building import build_all; build_all(print)'

# One worker more than cores: two on two cores spent a seventh of their time waiting; four took as long as three.
WORKERS ?= $(shell echo $$(($$(nproc) < 4 ? $$(nproc) + 1 : 4)))

test: setup arm-vm
	$(BIN)/harness bundle build
	HARNESS_TESTS_NEED_ALL=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Over the first environment lies a second with what the extras add or need older.
$(EXTRAS)/ready: $(VENV)/ready requirements-extras.lock
	rm -rf $(EXTRAS)
	$(PYTHON) -m venv $(EXTRAS)
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	    >"$$($(EXTRAS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/first.pth"
	$(EXTRAS)/bin/pip install -q --require-hashes --no-deps -r requirements-extras.lock
	touch $@

test-extras: $(EXTRAS)/ready arm-vm
	$(BIN)/harness bundle build
	PATH="$(CURDIR)/$(BIN):$$PATH" HARNESS_TESTS_NEED_ALL=extras $(EXTRAS)/bin/python -m pytest -n 2 --dist loadfile \
	    tests/end_to_end/test_runtimes_end_to_end.py tests/lowering/test_other_runtimes.py tests/accuracy/test_datasets.py

runner-wheel: setup
	$(BIN)/python .ci/runner_wheel.py dist

image: runner-wheel
	$(BIN)/python -m hatchling build -t wheel -d dist
	$(BIN)/python .ci/try_image.py

docs: setup
	$(BIN)/python docs/site/build_site.py

# The formatters rewrite the files that differ; the target then fails and shows the difference.
lint: setup
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

# Counts repeat on one machine to the last digit; the margin is for what other machines bring along, such as
# another C library in the runner's bundle, and, for memory, another QEMU. benchmarks/README.md says what is compared.
GATE_RUN ?= results/gate
GATE_SWEEP = --device emulator --width 0.25,0.5 --resolution 128 --precision fp32,int8
GATE_MARGIN = 0.05%

gate: $(GATE_RUN)
	$(BIN)/harness compare benchmarks/base $(GATE_RUN) --across --margin $(GATE_MARGIN) --memory-margin 50% --markdown

gate-base: $(GATE_RUN)
	rm -rf benchmarks/base
	mkdir -p benchmarks/base
	cp -R $(GATE_RUN)/run.json $(GATE_RUN)/cells benchmarks/base

.PHONY: $(GATE_RUN)
$(GATE_RUN): setup
	rm -rf $@
	$(BIN)/harness run $(GATE_SWEEP) --out $@

# What the harness itself costs, as ratios; each exits 1 when it misses its goal. Ratios are appended to
# benchmarks/history.jsonl, with the machine's load: commit those of an idle machine.
bench: setup arm-vm
	@for bench in lowering warm runner rate packed_cache cold runtimes transports accuracy; do \
	    echo "== $$bench"; $(BIN)/python tests/benchmarks/bench_$$bench.py || failed=1; \
	done; exit $${failed:-0}

bench-sustain: setup
	$(BIN)/python tests/benchmarks/bench_sustain.py

bench-energy: setup
	$(BIN)/python tests/benchmarks/bench_energy.py

bench-plot: setup
	$(BIN)/python tests/benchmarks/plot_history.py

# How often intervals, comparisons and verdicts are right, and what the sampler changes: real runs (the machine
# must be idle) and simulation.
bench-trust: setup arm-vm
	@for bench in trust sampler against; do \
	    $(BIN)/python tests/benchmarks/bench_$$bench.py || failed=1; \
	done; exit $${failed:-0}

DECISION_RUNS ?= 1000

bench-decision: setup
	@$(BIN)/python tests/benchmarks/bench_decision.py --runs $(DECISION_RUNS) || failed=1; \
	$(BIN)/python tests/benchmarks/bench_predict.py || failed=1; \
	$(BIN)/python tests/benchmarks/bench_trends.py || failed=1; exit $${failed:-0}

REPORT_CELLS ?= 1000

NIGHTS_DEVICES ?= 1

bench-nights: setup
	$(BIN)/python tests/benchmarks/bench_nights.py --devices $(NIGHTS_DEVICES)

# A part alone: make bench-lab LAB_PARTS=scale LAB_DEVICES=100
LAB_PARTS ?=
LAB_DEVICES ?= 1000

bench-lab: setup
	$(BIN)/python tests/benchmarks/bench_lab.py $(LAB_PARTS) --devices $(LAB_DEVICES)

bench-report: setup
	$(BIN)/python tests/benchmarks/bench_report.py --cells $(REPORT_CELLS)

# Counts what is lost when connections and hosts fail at random moments: nearly an hour for the whole table.
FAULT_RUNS ?= 200
FAULT_KILLS ?= 50

bench-faults: setup arm-vm
	$(BIN)/python tests/benchmarks/bench_faults.py --runs $(FAULT_RUNS) --kills $(FAULT_KILLS)

# Each command is repeated with a full disk at every DISKFULL_STEP-th of its writes, which needs a C compiler, and on a
# tmpfs of DISKFULL_SIZES sizes, which needs user namespaces.
DISKFULL_STEP ?= 1
DISKFULL_SIZES ?= 12

bench-diskfull: setup
	$(BIN)/python tests/benchmarks/bench_diskfull.py --step $(DISKFULL_STEP)
	$(BIN)/python tests/benchmarks/bench_diskfull.py --tmpfs $(DISKFULL_SIZES)

# Each fuzzer tries FUZZ_RUNS inputs; its seeds are the numbers from 0, so that a failure can be repeated.
FUZZ_RUNS ?= 2000

bench-fuzz: setup
	HARNESS_FUZZ_RUNS=$(FUZZ_RUNS) $(BIN)/pytest -n $(WORKERS) tests/fuzz

bench-install: setup arm-vm
	$(BIN)/python tests/benchmarks/bench_install.py

clean:
	rm -rf $(VENV) $(EXTRAS) results
