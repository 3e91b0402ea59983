# make up     set up and run everything on this machine
# make test   set up, lint, types, all tests
# make bench  the table of measured times
# make lock   write the requirements anew, with hashes

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: up test bench lock setup clean

up: setup
	@$(BIN)/python -W ignore::UserWarning -m entrypoints.cli up $(UP)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

bench: setup
	$(BIN)/python -W ignore::UserWarning -m bench

setup: $(STAMP)

# The lock names versions and hashes and no address: pip asks whatever index this machine is set up for.
$(STAMP): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c "import venv, ensurepip" 2>/dev/null || { echo "venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV): $$(grep -c == requirements.txt) packages, once; about a minute"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra dev --extra build --output-file requirements.txt pyproject.toml

clean:
	rm -rf $(VENV) .state .mypy_cache .ruff_cache .pytest_cache
