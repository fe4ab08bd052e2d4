# Two commands do everything on a fresh machine: `make run` and `make test`. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run test check format lock clean package deploy remove test-deploy bench fuzz soak

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with the command and everything development needs

$(STAMP): requirements-dev.txt setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Trailwire needs Python 3.11 or later: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP) ## Run the whole pipeline on this machine, on the embedded AWS
	$(BIN)/trailwire run

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest

check: $(STAMP) ## Lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## Pin what ships and what development needs, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header setup.cfg -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra cli --extra dev -c requirements.txt setup.cfg -o requirements-dev.txt

clean: ## Remove what the other targets made
	rm -rf $(VENV) node_modules .serverless build *.egg-info .mypy_cache .ruff_cache .pytest_cache

# Deployment: docs/deploy.md. STAGE names the deployment, CONFIG the rules, PARAMS what else is chosen, as in
#   make deploy STAGE=prod PARAMS='--param=source=new-trail --param=alarmEmail=oncall@example.com'
STAGE ?= dev
CONFIG ?= trailwire.toml
PARAMS ?=
SERVERLESS = NODE_NO_WARNINGS=1 TRAILWIRE_CONFIG=$(CONFIG) node_modules/.bin/serverless
NODE_STAMP := node_modules/.package-lock.json

# Without a configuration of their own, people can still see what would be deployed. It is never deployed.
package: CONFIG := $(or $(wildcard $(CONFIG)),infra/starter.toml)
package: $(STAMP) $(NODE_STAMP) ## Make what would be deployed, and check it, without touching AWS
	$(SERVERLESS) package --stage $(STAGE) $(PARAMS)
	$(BIN)/cfn-lint .serverless/cloudformation-template-update-stack.json

deploy: $(STAMP) $(NODE_STAMP) ## Check, then deploy to AWS: make deploy STAGE=prod
	@test -f $(CONFIG) || { echo "$(CONFIG) not found; to begin, copy infra/starter.toml to trailwire.toml"; exit 2; }
	$(MAKE) package
	$(SERVERLESS) deploy --stage $(STAGE) $(PARAMS)

remove: $(NODE_STAMP) ## Remove a deployment from AWS; its buckets stay
	$(SERVERLESS) remove --stage $(STAGE) $(PARAMS)

test-deploy: $(STAMP) $(NODE_STAMP) ## Deploy to the embedded AWS in every form (needs Node)
	$(BIN)/python -m pytest -n0 tests/flow/deploy.py

$(NODE_STAMP): package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo "Packaging needs Node 20.19 or later, with npm"; exit 2; }
	npm ci --no-audit --no-fund

bench: $(STAMP) ## Measure speed against the decode floor; writes docs/benchmarks.md
	$(BIN)/python -m pipeline.bench --output docs/benchmarks.md

fuzz: $(STAMP) ## Throw a million hostile messages at the matcher
	$(BIN)/python -m pipeline.bench.hostile

soak: $(STAMP) ## Hold laws to new examples, and delivery to thousands of schedules of trouble
	SOAK=200 $(BIN)/python -m pytest --hypothesis-profile=soak tests/laws tests/flow/test_delivery_*.py
