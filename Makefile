# make up        set up and run everything on this machine
# make check     set up, lint, types, and the tests that start nothing: a minute
# make test      all of it, with the stories: the product runs, with Temporal and the emulators
# make soak      the long stories, and the random tests for long; SEED=… repeats a run
# make coverage  all tests, and what none of them reaches
# make bench     the table of measured times
# make lock      write the requirements anew, with hashes
#
# PYTHON=… names the Python to use, 3.11 to 3.14; otherwise bin/find-python takes the first that runs.

export PYTHON
VENV := .venv
BIN := $(VENV)/bin

# The stories wait more than they compute, so that more of them run at once than there are processors.
AT_ONCE ?= 4
TESTS := $(BIN)/python -m pytest --numprocesses $(AT_ONCE) --dist loadgroup
SEED ?= $(shell date +%s)

# The tests start the program a few hundred times; compiled anew each time, it takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up lint check test soak coverage bench lock setup clean

up: setup
	@$(BIN)/python -W ignore::UserWarning -m entrypoints.cli up $(UP)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint
	$(TESTS) -m "not story and not soak"

test: lint
	$(TESTS)

soak: setup
	SOAK=20 SEED=$(SEED) $(TESTS) -m "soak or hypothesis" --hypothesis-seed=$(SEED)

# A test that fails is said in the report, too.
coverage: setup
	@$(BIN)/coverage erase
	-$(BIN)/coverage run -m pytest --junitxml=.coverage/tests.xml
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --sort=cover
	@$(BIN)/python -m tests.reached .coverage/tests.xml

bench: setup
	$(BIN)/python -W ignore::UserWarning -m bench

setup:
	@bin/setup

# One lock for every Python and system: markers say what is for which.
lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--universal --python-version 3.11 --extra dev --extra build --output-file requirements.txt pyproject.toml

clean:
	rm -rf $(VENV) .state .mypy_cache .ruff_cache .pytest_cache .coverage
