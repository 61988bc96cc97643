# Everything a fresh machine needs is installed by these targets: `make run` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RIG ?= rigs/samples/a1080a-pair.yaml
PORTS ?= file
HTTP ?=
# Workers, each with a network of its own: as root, or as root of a user namespace; one process where neither is allowed. One
# more than there are cores, since tests of real clients wait for them half of the time. Files in their order: the longest have
# few tests, and would come last.
ISOLATED ?= $(shell unshare --net true 2>/dev/null || ! unshare --user --map-root-user --net true 2>/dev/null || echo unshare --user --map-root-user)
PARALLEL ?= $(shell $(ISOLATED) unshare --net true 2>/dev/null && echo --numprocesses=$$(($$(nproc) + 1)) --dist=loadfile --no-loadscope-reorder)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run supported placed bindable test clients interpreted network lint compiled bench bench-codec bench-agent bench-bmc bench-traps bench-heartbeats bench-polling bench-latency bench-forward bench-console bench-scale bench-scaleout deb wheels fresh image-test fuzz mutations explore soak docs lock audit sbom floors mibs clean

run: bindable $(VENV)/.run
	@$(BIN)/python rigs/deploy/compiled.py $(VENV)/compiled
	@[ ! -e $(VENV)/compiled ] || export PYTHONSAFEPATH=1 PYTHONPATH="$(CURDIR)/$(VENV)/compiled"; \
		exec $(BIN)/ridethrough run "$(RIG)" --ports "$(PORTS)" $(if $(HTTP),--http "$(HTTP)")

# Before anything is installed: a minute later is too late to say that a port is taken.
bindable: supported
	@$(PYTHON) -I rigs/preflight.py "$(RIG)" "$(PORTS)" "$(HTTP)"

test: clients $(VENV)/.dev
	$(MAKE) --no-print-directory --jobs=3 lint compiled network
	@[ ! -e $(VENV)/compiled ] || set -- --compiled -o 'pythonpath=$(VENV)/compiled .'; \
		$(ISOLATED) $(BIN)/pytest $(PARALLEL) -m "not network and not campaign" "$$@"
	@[ ! -e $(VENV)/compiled ] || $(MAKE) --no-print-directory interpreted

# What is compiled, once more as it stands in the checkout.
INTERPRETED = tests/wire tests/emulators tests/gateway/test_translate.py tests/gateway/test_notification_cache.py tests/gateway/test_correlate.py \
	tests/gateway/test_storms.py tests/gateway/test_together.py tests/gateway/test_usm.py tests/gateway/test_journal_verbs.py \
	tests/interop/test_bmc_sessions.py tests/interop/test_net_snmp.py tests/interop/test_snmpv3.py tests/interop/test_every_pair.py

interpreted: $(VENV)/.dev
	$(ISOLATED) $(BIN)/pytest $(PARALLEL) -m "not network and not campaign" $(INTERPRETED)

# What the tests drive, first of all: without root this says at once what is missing.
clients: supported
	@$(PYTHON) tests/support/clients.py

# What installs packages, so outside the networks of the workers.
network: $(VENV)/.dev
	$(BIN)/pytest -m network --numprocesses=2 --dist=load

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# The package with its compiled modules, where `make run`, tests and benchmarks find it (`pytest --compiled`).
compiled: $(VENV)/.dev
	@$(BIN)/python rigs/deploy/compiled.py $(VENV)/compiled

# All of them take half an hour of a machine that does nothing else.
bench: bench-codec bench-agent bench-bmc bench-traps bench-forward bench-latency bench-heartbeats bench-polling bench-scale bench-scaleout
	$(BIN)/python -m benchmarks.results

bench-codec: $(VENV)/.dev
	$(BIN)/python -m benchmarks

bench-agent: $(VENV)/.dev compiled
	@command -v snmpd >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends snmpd >/dev/null; }
	$(BIN)/python -m benchmarks.agent

bench-bmc: $(VENV)/.dev compiled
	@command -v ipmi_sim >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends openipmi >/dev/null; }
	PYTHONPATH=$(VENV)/compiled:. $(BIN)/python -P -m benchmarks.bmc

bench-traps: $(VENV)/.dev compiled
	@command -v snmptrapd >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends snmptrapd >/dev/null; }
	$(BIN)/python -m benchmarks.traps

bench-latency: $(VENV)/.dev compiled
	@command -v snmptrapd >/dev/null && command -v curl >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends snmptrapd curl >/dev/null; }
	$(BIN)/python -m benchmarks.latency

bench-forward: $(VENV)/.dev compiled
	@command -v snmptrapd >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends snmptrapd >/dev/null; }
	$(BIN)/python -m benchmarks.forwards

bench-polling: $(VENV)/.dev
	$(BIN)/python -m benchmarks.polling

bench-console: clients $(VENV)/.dev
	$(BIN)/python -m benchmarks.console

bench-scale: $(VENV)/.dev
	$(BIN)/python -m benchmarks.scale

bench-scaleout: clients $(VENV)/.dev
	$(BIN)/python -m benchmarks.scaleout

bench-heartbeats: $(VENV)/.dev
	$(BIN)/python -m benchmarks.heartbeats

# dist/ridethrough_VERSION_ARCH.deb, for the Python that makes it.
deb: $(VENV)/.run
	PYTHON=$(BIN)/python rigs/deploy/deb

# dist/*.whl and *.tar.gz, compiled for each of CPython 3.11 to 3.14 that is on this machine.
wheels:
	PYTHON=$(PYTHON) rigs/deploy/wheels

# On Debian 12 and 13 as they come, by the README alone; parts by SUITES=trixie USERS=root STEPS=run.
fresh:
	@$(PYTHON) -m tests.fresh $(foreach part,SUITES USERS STEPS,$(if $($(part)),--$(shell echo $(part) | tr A-Z a-z) $($(part))))

image-test: $(VENV)/.run
	$(BIN)/python -m tests.images

docs: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python docs/build.py

mutations: $(VENV)/.dev
	$(BIN)/python -m tests.mutations $(if $(NAMED),--named)

# Planted faults first, then half an hour over every rig that comes along: explore-found/ and docs/explore-results.md have what it finds.
explore: $(VENV)/.dev
	$(BIN)/pytest -q -m campaign tests/rigs
	$(BIN)/python -m benchmarks.explore $(if $(MINUTES),--minutes $(MINUTES))

fuzz: $(VENV)/.dev
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest tests/wire tests/emulators/test_any_datagram.py tests/emulators/test_ups_any_order.py tests/emulators/test_bmc_commands.py --timeout 3600
	$(BIN)/python -m tests.support.fuzz 1000000
	$(BIN)/python -m tests.support.fuzz_bmc 1000000

soak: clients $(VENV)/.dev
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.kills

# What is declared, and nothing newer than before; `make lock UPGRADE=1` takes the newest of everything.
COMPILE = $(VENV)/tools/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q $(if $(UPGRADE),--upgrade)
lock: $(VENV)/tools/.done
	$(COMPILE) --extra nats pyproject.toml -o requirements.lock
	$(COMPILE) --group build -o requirements-build.lock
	$(COMPILE) --group dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) --group tools -o requirements-tools.lock

# Known vulnerabilities of what is locked, by pip-audit; what is accepted stands in tests/dependencies/accepted.toml.
audit: $(VENV)/tools/.done
	@$(VENV)/tools/bin/python -m tests.dependencies.audit $(VENV)/tools/bin/pip-audit

# dist/ridethrough.cdx.json: the run-time lock as a CycloneDX document, with hashes and licences.
sbom: $(VENV)/tools/.done
	@$(VENV)/tools/bin/python -m tests.dependencies.sbom $(VENV)/tools/bin dist/ridethrough.cdx.json

# The oldest versions that pyproject.toml declares: everything is imported, a scenario and some tests are run.
floors: $(VENV)/tools/.done
	@tests/install-tools
	@$(VENV)/tools/bin/python -m tests.dependencies.floors $(VENV)/tools/bin/uv $(VENV)/floors

# Tools that look at the project from outside have an environment of their own: what they want is not what we lock.
$(VENV)/tools/.done: requirements-tools.lock | $(VENV)/.run
	@$(BIN)/python -m venv --clear $(VENV)/tools
	@$(VENV)/tools/bin/python -m pip install -q --require-hashes -r requirements-tools.lock
	@touch $@

mibs: $(VENV)/.dev
	$(BIN)/python -m ridethrough.mibs.compiler

$(VENV)/.run: requirements.lock requirements-build.lock pyproject.toml | placed
	@PYTHON="$(PYTHON)" rigs/deploy/environment run

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@PYTHON="$(PYTHON)" rigs/deploy/environment dev

# Before anything else: a Python that is too old, and an environment that belongs to another place.
supported:
	@PYTHON="$(PYTHON)" rigs/deploy/environment check

placed: supported
	@[ ! -e $(VENV)/bin ] || [ "$$(cat $(VENV)/.place 2>/dev/null)" = "$$(pwd)" ] || PYTHON="$(PYTHON)" rigs/deploy/environment run

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
