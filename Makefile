# Two commands on a fresh machine with Python 3.11 or later: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := bot handlers storage sandbox tests benchmarks
.PHONY: demo test quick run check lock migration bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    play a real incident through, without a Slack account"
	@echo "make test    the whole test suite (make quick: its core)"
	@echo "make run     connect to Slack (settings in .env)"
	@echo "make check   format, lint, types"
	@echo "make bench   what is measured, and against what"

# The environment is complete when its stamp is newer than what it was made from.
$(VENV)/ready: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Seamark needs Python 3.11 or later.") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	touch $@

demo: $(VENV)/ready
	$(BIN)/seamark demo

test: $(VENV)/ready
	$(BIN)/python -m pytest -n auto

quick: $(VENV)/ready
	$(BIN)/python -m pytest -n auto -m "not slow"

run: $(VENV)/ready
	$(BIN)/seamark run

check: $(VENV)/ready
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy

bench: $(VENV)/ready
	for each in benchmarks/*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

# Pins every package with its hashes; the files name no index, so any mirror serves.
lock: $(VENV)/ready
	$(BIN)/python -m pip install --quiet uv==0.13.8
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml --output-file requirements-dev.txt

# make migration m="why": from a database of the committed tables to the models as they are
migration: $(VENV)/ready
	$(BIN)/python -m storage.migrate "$(m)"

clean:
	rm -rf $(VENV) demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis
