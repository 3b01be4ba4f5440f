PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DB ?=
BELL ?=

.PHONY: demo test lint types clean

# Runs the main job and tells it; `make demo ONCE=1` ends after the story. On servers that are there
# already: DB=postgresql://user@host/name or mysql://…, BELL=redis://host or BELL=postgres. Give it a
# database of its own: the tables that it makes stay there, its rows and its user don't.
demo: $(VENV)/.demo
	$(if $(DB)$(BELL),$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		$(if $(findstring postgres,$(DB)),'psycopg[binary]>=3.2') \
		$(if $(findstring mysql,$(DB)),mysqlclient) $(if $(findstring redis,$(BELL)),redis) pip)
	$(BIN)/python example_project/demo.py $(if $(ONCE),--once) \
		$(if $(DB),--database $(DB)) $(if $(BELL),--bell $(BELL))

test: $(VENV)/.test
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

clean:
	rm -rf build dist *.egg-info .coverage htmlcov .pytest_cache .mypy_cache .ruff_cache $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

$(VENV)/.test: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/.dev: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	touch $@
