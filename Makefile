# Everything sets itself up: `make run` and `make test` work in a fresh clone.
PYTHON ?= python3
ARGS ?=

.PHONY: setup run test format clean

setup:
	@$(PYTHON) packaging/set_up.py

run: setup
	@.venv/bin/python main.py $(ARGS)

test: setup
	@.venv/bin/python -m pytest $(ARGS)

format: setup
	@.venv/bin/python -m ruff check --fix . && .venv/bin/python -m ruff format .

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
