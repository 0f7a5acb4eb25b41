# make run on a fresh machine needs git, make and Python 3.11 or newer. `make PYTHON=python3.13 run` chooses which.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := $(wildcard app.py core ui pages tests benchmarks docs)
# Tests start about fifty Python processes; without bytecode files each of them would compile the sources again.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
# The tests of a file stay in one worker because they share data. tests/conftest.py lists the folders that stay
# together, and the order.
PARALLEL := --dist=loadfile --no-loadscope-reorder

.PHONY: run quick test campaign check format bench pictures clean
.DEFAULT_GOAL := run

run: $(VENV)/app.stamp
	$(BIN)/streamlit run app.py

# Leaves out the browser tests, the campaigns, and the tests marked slow: they take a second or more, or start
# processes.
# ARGS goes to pytest: make quick ARGS="-k schedule"
quick: $(VENV)/dev.stamp
	$(PYTEST) --ignore=tests/browser -m "not campaign and not slow" $(PARALLEL) --numprocesses=2 $(ARGS)

# Three workers for two cores: one has the browser, whose tests wait half of their time.
# With ARGS there is a single run of pytest in one process: make test ARGS="tests/core -x"
test: $(VENV)/dev.stamp
	$(BIN)/python tests/browser/find_chromium.py
ifdef ARGS
	$(PYTEST) $(ARGS)
else
	$(PYTEST) $(PARALLEL) --numprocesses=3
endif

# The long checks whose short forms `make test` runs, and browser tests of what it covers without a browser. ARGS goes to pytest: make campaign ARGS=tests/core/forecast
campaign: $(VENV)/dev.stamp
	$(PYTEST) -m campaign --numprocesses=2 --dist=worksteal $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(MAKE) test

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --select I --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks $(ARGS)

# Retakes the pictures of README.md and docs/. ARGS names some: make pictures ARGS="live memory"
pictures: $(VENV)/dev.stamp
	$(BIN)/python tests/browser/find_chromium.py
	$(BIN)/python -m docs.pictures $(ARGS)

# Recorded runs (.batchlab) are the user's and stay.
clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Batch Lab needs Python 3.11 or newer; '$(PYTHON)' is" \
			"$$($(PYTHON) --version 2>&1 || true). Choose another: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# A stamp is newer than its requirements when they are installed; pip then has nothing to do and is not asked.
$(VENV)/app.stamp: requirements.txt $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $(VENV)/app.stamp $@
