# make up        set up and run everything on this machine
# make test      set up, lint, types, all tests
# make coverage  all tests, and what none of them reaches
# make bench     the table of measured times
# make lock      write the requirements anew, with hashes
#
# PYTHON=… names the Python to use, 3.11 to 3.14; otherwise bin/find-python takes the first that runs.

export PYTHON
VENV := .venv
BIN := $(VENV)/bin

.PHONY: up test coverage bench lock setup clean

up: setup
	@$(BIN)/python -W ignore::UserWarning -m entrypoints.cli up $(UP)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

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
