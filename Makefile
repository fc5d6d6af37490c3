# Everything sets itself up: `make run` and `make check` work in a fresh clone.
PYTHON ?= python3
ARGS ?=
# A test that fails is tried once more, and named: this machine may have been held up.
PYTEST = .venv/bin/python -m pytest --reruns 1 --reruns-delay 2 -rR
PYRIGHT = .venv/bin/python -m pyright --pythonpath .venv/bin/python

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

# Two at a time, except where arm, cameras and window run by a real clock: those would only disturb each other.
test: setup
ifneq ($(findstring tests,$(ARGS)),)
	@$(PYTEST) $(ARGS)
else
	@$(PYTEST) -n 2 --dist worksteal -m "not by_the_clock" --ignore=tests/gui $(ARGS); together=$$?; \
	$(PYTEST) -m by_the_clock tests/cameras tests/gui tests/robot tests/workflows $(ARGS) && exit $$together
endif

format: setup
	@.venv/bin/python -m ruff check --fix . && .venv/bin/python -m ruff format .

# Rewrites packaging/*.lock after a change of pyproject.toml; needs the network.
lock:
	@$(PYTHON) packaging/lock.py $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
