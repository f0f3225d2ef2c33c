# What a person types. `make demo` and `make test` install what is missing first; a second start installs nothing.
PYTHON = .venv/bin/python
COMPILE = uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

SEED = $(shell od -An -N4 -tx4 /dev/urandom | tr -d ' ')

.PHONY: demo test lint bench chaos corpus journey screenshots lock install clean

demo:
	@setup/install.sh demo
	@.venv/bin/trainshed demo

# mypy keeps one core busy, so lint runs beside the tests, and says at the end what it found. Byte code is kept, wherever
# that is switched off: five workers and each program that a test starts would compile everything anew.
test:
	@setup/install.sh test
	@rm -f .pytest-skipped
	@$(MAKE) --no-print-directory lint >.lint.log 2>&1 & \
	PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -n 5 --dist loadgroup --no-loadscope-reorder; tests=$$?; \
	wait $$!; lint=$$?; cat .lint.log; rm -f .lint.log; test $$tests = 0 && test $$lint = 0
	@echo "skipped: $$(cat .pytest-skipped)"

lint:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	@: # exit 0 is not enough: a file whose versions it cannot tell is only printed
	@found=$$(.venv/bin/vermin -t=3.8- --no-tips --violations --quiet core/agent) && test -z "$$found" || { echo "$$found"; exit 1; }

install:
	@setup/install.sh test

bench:
	@setup/install.sh test
	@$(PYTHON) -m tests.bench

# The fault table. SEED=… repeats what was seen, FAULT=… is one row of it, CASE=… one case of that; ENGINE=… bwrap or
# docker alone.
chaos:
	@setup/install.sh test
	@$(PYTHON) -m tests.chaos --seed "$(SEED)" --fault "$(FAULT)" --engine "$(ENGINE)" $(if $(CASE),--case $(CASE))

# Azure's own examples, unchanged. EXAMPLES=… is a checkout of them or a bare git directory, ONLY=… a part of a path.
corpus:
	@setup/install.sh test
	@$(PYTHON) -m tests.corpus $(if $(EXAMPLES),"$(EXAMPLES)") --only "$(ONLY)"

# The journey that ships with the program, recorded anew on an embedded site that has nothing yet.
journey:
	@setup/install.sh test
	@setup/journey.sh core/demo/journey.jsonl

screenshots:
	@setup/install.sh test
	@$(PYTHON) screenshots/make.py

lock:
	$(COMPILE) --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt
	$(COMPILE) pyproject.toml requirements/build.in -c requirements/dev.txt -o requirements/run.txt
	$(COMPILE) requirements/node.in -o requirements/node.txt
	$(COMPILE) core/demo/job/requirements.in -o core/demo/job/requirements.txt
	cd core/demo/azurite && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist .pytest-skipped .lint.log
