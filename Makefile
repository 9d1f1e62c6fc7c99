# Every target sets up what it needs. PYTHON, VENV and PIP_ARGS may be given: make demo PYTHON=python3.12
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
BIN := $(VENV)/bin
TESTS ?= tests
BENCH ?=
# A process for each core, each with one thread: half the time of one process whose threads wait for each other.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(TESTS)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check bench clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done

demo: $(VENV)/.elman ## Train a name generator in about a minute; leaves a report to look at
	$(BIN)/elman demo

test: $(VENV)/.dev ## Run the tests
	$(PYTEST)

test-slow: $(VENV)/.dev ## Run the tests, the slow ones too (hundreds of kills, every byte flipped)
	$(PYTEST) --run-slow

bench: $(VENV)/.bench ## Time Elman beside torch.nn, JAX and ONNX Runtime (BENCH="--only imdb --json FILE"; --help tells more)
	$(BIN)/python -m bench $(BENCH)

check: $(VENV)/.dev ## Format, lint and types
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy

clean: ## Remove the environment and caches (runs stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Elman needs Python 3.11 or newer; give one: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.elman: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e .
	@touch $@

# The bench leaves out what could not be installed, and says so; it is tried again the next time.
$(VENV)/.bench: $(VENV)/.elman
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[bench]' && touch $@ || echo "JAX and ONNX Runtime could not be installed"

$(VENV)/.dev: $(VENV)/.elman
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	@touch $@
