# make run on a fresh machine needs git, make and Python 3.11 or newer. `make PYTHON=python3.13 run` chooses which.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := $(wildcard app.py core ui pages tests benchmarks)

.PHONY: run test check format bench clean
.DEFAULT_GOAL := run

run: $(VENV)/app.stamp
	$(BIN)/streamlit run app.py

# First the browser, which needs both cores for itself, a server and a training; then all else on two at once.
# ARGS goes to pytest, and all of it is then in one run: make test ARGS="tests/core -x"
test: $(VENV)/dev.stamp
	$(BIN)/python tests/browser/find_chromium.py
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest tests/browser
	$(BIN)/python -m pytest --ignore=tests/browser --numprocesses=2 --dist=loadfile
endif

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
