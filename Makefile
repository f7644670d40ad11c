# Rota: `make demo` runs the main job on this machine, `make test` everything that CI runs. Needs Python >= 3.11 and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
STAGE ?= dev
VENV := .venv/.installed
EMULATOR := .emulator/.installed
BENCH := .bench/.installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup demo up down test unit lint typecheck synth deploy bench lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# uv comes from PyPI, pinned; it installs the rest in seconds. Node (for the CDK) is a wheel among the pins.
$(VENV): requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Rota needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements/dev.txt
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	touch $@

# The emulator lives alone: it pins its own botocore, and the functions run under its interpreter. Compiled at once,
# because every cold start of a function imports from it.
$(EMULATOR): requirements/emulator.txt $(VENV)
	.venv/bin/uv venv --quiet --clear --python .venv/bin/python .emulator
	.venv/bin/uv pip install --quiet --compile-bytecode --python .emulator/bin/python --require-hashes -r requirements/emulator.txt
	touch $@

# What Rota is compared with, apart from what is tested: LiteLLM alone is larger than everything else together.
$(BENCH): requirements/bench.txt $(VENV)
	.venv/bin/uv venv --quiet --clear --python .venv/bin/python .bench
	.venv/bin/uv pip install --quiet --compile-bytecode --python .bench/bin/python --require-hashes -r requirements/bench.txt
	.venv/bin/uv pip install --quiet --python .bench/bin/python --no-deps --no-build-isolation --editable .
	touch $@

setup: $(VENV) $(EMULATOR) ## install everything, pinned, into .venv and .emulator

demo: setup ## the main job on this machine: no account, no key, no container
	rota demo

up: setup ## start the local stack
	rota up

down: setup ## stop the local stack and remove its data
	rota down

# On two processes, each with a stack of its own: most tests of the deployed stack wait for quotas.
test: setup lint typecheck ## everything CI runs
	python -m pytest -n 2 --dist loadfile

unit: $(VENV) ## only the fast tests: no emulator
	python -m pytest tests/unit tests/functions

lint: $(VENV) ## ruff, import contracts, cfn-lint, cdk-nag
	ruff check .
	ruff format --check .
	lint-imports --no-cache
	python -m infra.lint

typecheck: $(VENV) ## mypy, strict
	mypy

synth: $(VENV) ## write the CloudFormation templates for STAGE to cdk.out
	ROTA_STAGE=$(STAGE) python app.py

deploy: $(VENV) ## deploy to the AWS account of your credentials: make deploy STAGE=dev|prod
	ROTA_STAGE=$(STAGE) npx --yes aws-cdk@2.1148.1 deploy --all --app "python app.py"

bench: setup $(BENCH) ## Rota beside its peers (most of an hour); then imports, the ledger's writes, scale, end to end
	.bench/bin/python -m benchmarks.peers
	.bench/bin/python -m benchmarks.extractive
	python -m benchmarks.functions
	python -m benchmarks.routing
	python -m benchmarks.economics
	python -m benchmarks.grouping
	python -m benchmarks.estimates
	python -m benchmarks.ledger
	python -m benchmarks.protocols
	python -m benchmarks.scale
	python -m benchmarks.end_to_end
	python -m benchmarks.piles

lock: $(VENV) ## pin every dependency group again, with hashes
	@for group in runtime documents emulator bench dev uv; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --group $$group -o requirements/$$group.txt; done

clean: ## remove what was built
	rm -rf build cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis
