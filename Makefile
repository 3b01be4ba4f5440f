PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DB ?=
BROADCAST ?=

.PHONY: demo test coverage lint types docs bench pictures clean

# Runs the shop and shows what a webhook does; `make demo ONCE=1` exits after that. To use existing
# servers: DB=postgresql://user@host/name or DB=mysql://…, BROADCAST=redis://host or BROADCAST=postgres.
# Use a separate database: the demo deletes its rows and its user at the end, but not its tables.
demo: $(VENV)/.demo
	$(if $(DB)$(BROADCAST),$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		$(if $(findstring postgres,$(DB)),'psycopg[binary]>=3.2') \
		$(if $(findstring mysql,$(DB)),mysqlclient) $(if $(findstring redis,$(BROADCAST)),redis) pip)
	$(BIN)/python example_project/demo.py $(if $(ONCE),--once) \
		$(if $(DB),--database $(DB)) $(if $(BROADCAST),--broadcast $(BROADCAST))

# The tests start hundreds of processes, which need not compile the package each: an empty value counts as unset.
test: export PYTHONDONTWRITEBYTECODE :=
# Tests also wait, so more of them run at once than there are cores of a small machine. CI runs the slow ones too.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(or $(WORKERS),4) --dist worksteal -m "not slow"

# The same with the branches that ran; fails below fail_under in setup.cfg. Takes about twice as long.
coverage: $(VENV)/.test
	PYTEST_ADDOPTS=--cov $(MAKE) test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(VENV)/.dev
	$(BIN)/mypy
	.ci/check-types $(VENV)

# Builds the site of the docs in build/docs; a warning is an error. The variable silences a warning about MkDocs 2.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Prints the tables of docs/performance.md as Markdown; `ONLY="client memory"` only those, WRITE=1 into the page too.
# DB=postgresql://user@host/name (whose tables are dropped) and REDIS=redis://host add the rows that need a server.
bench: $(VENV)/.demo
	$(if $(DB)$(REDIS),@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'psycopg[binary]>=3.2' 'redis>=5')
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(DB),--database $(DB)) $(if $(REDIS),--redis $(REDIS)) \
		$(if $(SCALE),--scale $(SCALE)) $(if $(WRITE),--write docs/performance.md)

# Takes the pictures of README and docs anew; needs chromium and chromedriver.
pictures: $(VENV)/.demo $(VENV)/.dev
	$(BIN)/python docs/make_pictures.py

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

$(VENV)/.docs: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

$(VENV)/.dev: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	touch $@
