# Needs Python 3.11 or newer (with venv), make and a shell. Everything else goes into .venv.

PYTHON ?= python3
AWS_PORT ?= 5000
API_PORT ?= 3000
STORE_PORT ?= 8090
DOCS_PORT ?= 8000
# For a store that is not on this machine: the URL of a tunnel, and where its end on this machine listens.
PUBLIC_URL ?=
PUBLIC_ADDRESS ?= 127.0.0.1
PUBLIC_PORT ?= 3001
# How the sandbox store verifies signatures: zend, laminas, magento_uri, double, native or native_double.
STORE_DIALECT ?= laminas
AWS_DEFAULT_REGION ?= eu-central-1
# More of the template's parameters for the local stack: NAME=VALUE, apart by spaces.
PARAMETERS ?=
export AWS_PORT API_PORT STORE_PORT STORE_DIALECT AWS_DEFAULT_REGION PARAMETERS PUBLIC_URL PUBLIC_ADDRESS PUBLIC_PORT
export SAM_CLI_TELEMETRY = 0
# Compiled code is kept, whatever the environment says: else each of many processes compiles all that it loads.
unexport PYTHONDONTWRITEBYTECODE

BIN = .venv/bin
READY = .venv/.ready
FETCHED = .venv/.fetched
POLICY = .venv/policy
RUNTIME = .venv/runtime
CODE = layers/storelink/storelink bench cli examples functions local tests
CHECKS = layout lint types imports bandit vulnerabilities template policies documentation
WITH_PATH = PYTHONPATH="$(CURDIR):$(CURDIR)/layers/storelink"
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
COMPILE = uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
  --custom-compile-command "make pins" $(PINS)

# The environment of samconfig.toml that deploy, logs, delete and smoke work on: dev or prod.
STAGE ?= dev
SAM = $(BIN)/sam

.PHONY: help setup run serve load bench tables test check $(CHECKS:%=check-%) docs docs-serve screenshots format build deploy \
  smoke logs delete dist dist-template pins clean

help:
	@echo "make run      activate a sandbox store from first click to first signed call, and say what happens"
	@echo "make serve    keep the whole stack up on this machine: API, AWS, sandbox store"
	@echo "make load     1,000 activations of 200 stores, some with trouble, and hostile ones; ARGS=\"--activations 100\" for fewer"
	@echo "make bench    measure it beside floors and peers, write docs/performance.md's figures; 1 if a budget is missed"
	@echo "make tables   write the generated tables of docs/: reasons, parameters, outputs, cost"
	@echo "make test     run the tests"
	@echo "make check    check format, lint, types, import rules and template"
	@echo "make docs     build the documentation into .site; a warning or a dead link is an error"
	@echo "make docs-serve   show the documentation at http://127.0.0.1:$(DOCS_PORT), as you edit it"
	@echo "make screenshots  picture every state of the merchant's page, into docs/images/; needs Chromium"
	@echo "make format   format the code"
	@echo "make build    build for AWS"
	@echo "make deploy   build and deploy to your AWS account; STAGE=prod for production, ARGS=--guided to be asked"
	@echo "make smoke    try what was deployed; STAGE=local for make serve, STORE=URL activates a sandbox store"
	@echo "make logs     follow the functions' logs there; ARGS=\"--filter ERROR\" for errors only"
	@echo "make delete   delete what was deployed, but the data"
	@echo "make dist     make what a release has, into dist/: wheel, layer, list of parts"
	@echo "make setup    fetch what all of these need into .venv (they do it themselves)"
	@echo "make pins     renew the pinned requirements; PINS=--upgrade takes newer versions"
	@echo "make clean    remove what was built or fetched"
	@echo
	@echo "Ports: AWS_PORT=$(AWS_PORT) API_PORT=$(API_PORT) STORE_PORT=$(STORE_PORT)"

setup: $(READY)

# uv fetches in seconds what takes pip a minute. Where uv can't (it doesn't read pip's configuration), pip does it.
$(FETCHED): requirements/uv.txt requirements/dev.txt
	@for python in "$(PYTHON)" python3.13 python3.12 python3.11; do \
	  "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	  python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Storelink needs Python 3.11 or newer with its venv module." >&2; \
	  echo "Debian, Ubuntu: apt-get install python3-venv. Elsewhere: make PYTHON=/path/to/python3.13" >&2; \
	  exit 1; \
	fi; \
	echo "Setting up .venv with $$("$$python" --version) ..."; \
	"$$python" -m venv --clear .venv
	@echo "Fetching packages; the first time takes a moment ..."
	@$(PIP) -r requirements/uv.txt \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements/dev.txt \
	  || { echo "uv could not; trying pip, which takes a minute ..."; $(PIP) -r requirements/dev.txt; }
	@touch $(FETCHED)

# The package and the command line tool, from where they lie. Their build backend is one of the pinned packages.
$(READY): $(FETCHED) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $(READY)

# In a venv of its own, as checkov pins older versions of what the project uses.
$(POLICY)/.ready: requirements/policy.txt | $(READY)
	@echo "Fetching checkov ..."
	@$(BIN)/python -m venv --clear $(POLICY)
	@$(BIN)/uv pip install --quiet --python $(POLICY)/bin/python --no-deps --require-hashes -r requirements/policy.txt \
	  || $(POLICY)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/policy.txt
	@touch $(POLICY)/.ready

run: $(READY)
	@$(WITH_PATH) exec $(BIN)/python -m local.demo

serve: $(READY)
	@$(WITH_PATH) exec $(BIN)/python -m local.serve

# The stores of both are on one host, and are more than one host may have.
LIMITS = HandshakesPerHost=999 UnclaimedConnectionsPerHost=999 NewConnectionsPerHour=99999

load: $(READY)
	@$(WITH_PATH) PARAMETERS="$(LIMITS) $$PARAMETERS" exec $(BIN)/python -m local.load_test $(ARGS)

# What Lambda's runtime has, in a venv of its own: by a Python of its version where one is found, and compiled, as there.
# Functions are measured as they are uploaded, without byte code.
bench: $(READY)
	@find functions -name __pycache__ -type d -prune -exec rm -rf {} +
	@python=$$($(MAKE) --silent --directory layers/storelink PYTHON="$(CURDIR)/$(BIN)/python" compiler); \
	"$${python:-$(BIN)/python}" -m venv --clear $(RUNTIME)
	@$(BIN)/uv pip install --quiet --python $(RUNTIME)/bin/python --compile-bytecode --no-deps --require-hashes \
	    -r requirements/runtime.txt \
	  || $(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	    -r requirements/runtime.txt
	@$(WITH_PATH) PARAMETERS="StepsPerHost=999 $(LIMITS) $$PARAMETERS" exec $(BIN)/python -m bench

tables: $(READY)
	@$(WITH_PATH) exec $(BIN)/python -m local.documents

test: $(READY)
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0 $(ARGS)

# All at once; each says what it is when it is done, and what it found.
check: $(READY)
	@$(MAKE) --no-print-directory --silent --jobs 4 $(CHECKS:%=check-%)
	@echo "All checks passed."

checked = said=$$($2 2>&1) && echo "$1" || { echo "$1"; echo "$$said"; exit 1; }

check-layout:
	@$(call checked,ruff format --check: layout,$(BIN)/ruff format --check $(CODE))
check-lint:
	@$(call checked,ruff check: lint,$(BIN)/ruff check --quiet $(CODE))
check-types:
	@$(call checked,mypy: types,$(BIN)/mypy --no-error-summary)
check-imports:
	@$(call checked,lint-imports: who may import whom,$(WITH_PATH) $(BIN)/lint-imports --no-logo)
check-bandit:
	@$(call checked,bandit: what is deployed,$(BIN)/bandit --quiet --recursive --exclude layers/storelink/storelink/testing \
	  layers/storelink/storelink functions)
# It names what the registry cannot tell of.
check-vulnerabilities:
	@echo "pip-audit: known vulnerabilities of what is deployed"
	@$(BIN)/pip-audit --progress-spinner off --disable-pip --require-hashes -r layers/storelink/requirements.txt
check-template:
	@$(call checked,sam validate: template,$(BIN)/sam validate --lint)
check-policies: $(POLICY)/.ready
	@$(call checked,checkov: policies,$(WITH_PATH) $(BIN)/python -m local.policy $(POLICY)/bin/checkov)
check-documentation:
	@$(call checked,zensical: documentation,$(MAKE) docs)

docs: $(READY)
	@said=$$($(BIN)/zensical build --strict --clean 2>&1) || { echo "$$said" | sed '/^Traceback/,$$d'; exit 1; }
	@echo "The documentation is in .site/index.html."

docs-serve: $(READY)
	@exec $(BIN)/zensical serve --dev-addr 127.0.0.1:$(DOCS_PORT)

screenshots: $(READY)
	@$(WITH_PATH) $(BIN)/python -m tests.browser.screenshots

format: $(READY)
	@$(BIN)/ruff check --quiet --fix-only $(CODE)
	@$(BIN)/ruff format $(CODE)

# Functions are uploaded as they are: byte code that tests left beside them would be another upload of the same code.
build: $(READY)
	@find functions -name __pycache__ -type d -prune -exec rm -rf {} +
	@MAKEFLAGS= PYTHON="$(CURDIR)/$(BIN)/python" $(SAM) build

# Into the region and account of your AWS profile, with samconfig.toml's parameters and the template's defaults.
deploy: build
	@$(SAM) deploy --config-env $(STAGE) --no-fail-on-empty-changeset $(ARGS)

smoke: $(READY)
	@$(WITH_PATH) exec $(BIN)/python -m local.smoke $(STAGE) $(STORE)

logs: $(READY)
	@$(SAM) logs --config-env $(STAGE) --tail $(ARGS)

delete: $(READY)
	@echo "Connections, invitations, secrets, key and layer are kept until you delete them (docs/operations.md)."
	@$(SAM) delete --config-env $(STAGE) $(ARGS)

# What a release has: the wheel, the layer, and the parts of both (CycloneDX). VERSION is the tag: v and the version.
# An archive has its files' times: all have the same one, so that each clone makes the same files.
VERSION_FILE = layers/storelink/storelink/__init__.py
OWN_VERSION = $$(sed -n 's/^__version__ = "\(.*\)"/v\1/p' $(VERSION_FILE))
VERSION ?= $(OWN_VERSION)

dist: build
	@version="$(VERSION)"; named="$(OWN_VERSION)"; \
	  [ "$$version" = "$$named" ] || { echo "The tag is $$version, $(VERSION_FILE) says $$named." >&2; exit 1; }
	@rm -rf dist && mkdir dist
	@$(BIN)/python -m pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir dist .
	@cd .aws-sam/build/StorelinkLayer && export TZ=UTC && find python -exec touch -t 198001010000 {} + \
	  && "$(CURDIR)/$(BIN)/python" -m zipfile -c ../../../dist/storelink-layer.zip python
	@$(WITH_PATH) $(BIN)/python -m local.sbom >dist/storelink-sbom.json
	@ls dist

# The template with its code in BUCKET under the version. Each version has keys of its own, so a change is deployed.
dist-template: build
	@mkdir -p dist && $(SAM) package --s3-bucket "$(BUCKET)" --s3-prefix "storelink/$(VERSION)" \
	  --output-template-file dist/storelink.yaml
	@echo "For Terraform, copy dist/storelink.yaml to s3://$(BUCKET)/storelink/$(VERSION)/template.yaml."

pins: $(FETCHED)
	@cd layers/storelink && ../../$(BIN)/$(COMPILE) requirements.in -o requirements.txt
	@cd requirements && ../$(BIN)/$(COMPILE) uv.in -o uv.txt
# SAM asks for pyopenssl, for `sam pipeline` alone. Where it is, each process that uses boto3 loads it.
	@cd requirements && ../$(BIN)/$(COMPILE) --no-emit-package pyopenssl dev.in -o dev.txt
	@cd requirements && ../$(BIN)/$(COMPILE) runtime.in -o runtime.txt
	@cd requirements && ../$(BIN)/$(COMPILE) policy.in -o policy.txt

clean:
	rm -rf .venv .aws-sam .site dist .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
