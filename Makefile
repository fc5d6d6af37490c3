# Everything sets itself up: `make run` and `make check` work in a fresh clone.
PYTHON ?= python3
ARGS ?=
PYRIGHT = .venv/bin/python -m pyright --pythonpath .venv/bin/python
PYTEST = .venv/bin/python -m pytest
# Two at a time; MuJoCo draws without a screen and the window with one, which no process can do both.
TWO = -n 2 --dist worksteal -m "not alone"

.PHONY: setup run check lint test format lock clean
.NOTPARALLEL:

setup:
	@$(PYTHON) packaging/set_up.py

run: setup
	@.venv/bin/python main.py $(ARGS)

# Everything that must hold.
check: lint test

lint: setup
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@$(PYRIGHT)
	@$(PYRIGHT) -p pyright-strict.json

# What tests a deadline of production has the machine to itself, at the end.
test: setup
ifneq ($(findstring tests,$(ARGS)),)
	@$(PYTEST) $(ARGS)
else
	@$(PYTEST) $(TWO) --ignore=tests/gui $(ARGS); headless=$$?; \
	$(PYTEST) $(TWO) tests/gui $(ARGS); window=$$?; \
	$(PYTEST) -m alone tests/cameras tests/gui tests/robot tests/workflows $(ARGS) && exit $$((headless + window))
endif

format: setup
	@.venv/bin/python -m ruff check --fix . && .venv/bin/python -m ruff format .

# Rewrites packaging/*.lock after a change of pyproject.toml; needs the network.
lock:
	@$(PYTHON) packaging/lock.py $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
