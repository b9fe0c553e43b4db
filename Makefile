# Two commands do all their set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
LEGS   ?=
STACK  ?=
ARGS   ?=
MODULES ?=
STACKED := $(addprefix tests/pipeline/,test_stack.py test_outage.py test_stack_command.py)
OLD    := $(basename $(notdir $(wildcard requirements/openai-*.in)))
BESIDE := $(filter-out dev $(OLD),$(basename $(notdir $(wildcard requirements/*.in))))
PIN    := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# Where this is set, each process that a test starts would compile openai anew: the matrix would take twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check lint types imports generated catalog catalog-check unit gate legs matrix full mutants fix docs doors beside pins bench consumer collector collector-config distribution pipeline-test prometheus pint rules rules-test kubernetes bench-pipeline stack stack-test assets browser dashboards dashboards-test schemas preview clean

demo: $(READY)  ## simulator + sample application under `tierscope run`, about 30 seconds; STACK=1 sends it through the pipeline
	$(if $(STACK),$(BIN)/python -m tools.stack demo,$(BIN)/tierscope demo)

test: check catalog-check unit gate matrix rules-test pipeline-test stack-test dashboards-test browser  ## everything that CI runs

full: test mutants  ## and what takes too long for every change

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

check: lint types imports generated  ## what needs no running program

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

generated: $(READY)
	$(BIN)/python tools/generate.py --check
	$(BIN)/python tools/collector.py --check
	$(BIN)/python -m tools.rules --check
	$(BIN)/python tools/kubernetes.py --check
	$(BIN)/python tools/series.py --page --check

catalog: $(READY)  ## compile the prices again (docs/catalog.md); ARGS=--check compares
	$(BIN)/python tools/catalog.py $(ARGS)

catalog-check: $(READY)
	$(BIN)/python tools/catalog.py --check

unit: $(READY)  ## the tests, on the newest openai
	$(BIN)/pytest -q -n auto --dist loadgroup

matrix: $(READY)  ## the tests that drive the SDK, on every leg of tools/legs.toml or on LEGS="openai-2 ..."
	$(BIN)/python tools/matrix.py $(LEGS)

mutants: $(READY)  ## every mutant of the pure core against its tests, or of MODULES="rates reading/chat" (tools/mutants.toml)
	$(BIN)/python tools/mutants.py $(MODULES)

legs: $(READY)  ## which legs there are, and why
	$(BIN)/python tools/matrix.py --list

fix: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY)  ## regenerate docs/signals.md, docs/configuration.md, docs/tiers.md
	$(BIN)/python tools/generate.py

doors: $(READY)  ## walk through every door of a stream on every openai, and write docs/doors.md
	$(BIN)/python tools/doors.py --page

beside: $(READY)  ## measure the neighbours again, and write docs/coexistence.md
	$(BIN)/python tools/beside.py

gate: $(READY)  ## instructions per call, below their ceilings; about a minute
	$(BIN)/python bench/instructions.py --gate

bench: $(READY)  ## every figure of the overhead, on Python 3.12 where there is one, into bench/RESULTS.md
	$(BIN)/python tools/legs.py python-3.12 bench/results.py

consumer: $(READY)  ## slow readers of a server of known pace, into docs/consumer-limited.md
	$(BIN)/python bench/consumer.py --page

assets:  ## bundle the charts of `tierscope report --html` from web/ (needs node and npm); ARGS=--check compares
	cd web && npm ci --ignore-scripts --no-audit --no-fund && node build.js $(ARGS)

browser: $(READY)  ## the page of `tierscope report --html` in a real headless Chromium, installed by apt-get where it is absent
	$(BIN)/python tools/browser.py

pins:  ## recompile the pinned requirements (needs uv)
	$(PIN) --prerelease=if-necessary-or-explicit requirements/dev.in -o requirements/dev.txt
	for pins in $(OLD); do $(PIN) requirements/$$pins.in -o requirements/$$pins.txt || exit; done
	for pins in $(BESIDE); do $(PIN) -c requirements/dev.txt requirements/$$pins.in -o requirements/$$pins.txt || exit; done

collector: $(READY)  ## build the Collector as it is pinned, into a cache outside the checkout (needs Go), and print where it is
	$(BIN)/python tools/gotool.py collector

collector-config: $(READY)  ## write the generated blocks of the Collector's configurations; ARGS=--check compares
	$(BIN)/python tools/collector.py $(ARGS)

distribution: $(READY)  ## after a change of builder.yaml: pin the Collector's modules anew
	cd collector-config && $$($(CURDIR)/$(BIN)/python ../tools/gotool.py ocb) --config builder.yaml --skip-compilation

pipeline-test: $(READY)  ## the tests that drive the real Collector alone
	$(BIN)/python tools/gotool.py collector
	$(BIN)/pytest -q -n auto --dist loadfile tests/pipeline $(addprefix --ignore=,$(STACKED))

kubernetes: $(READY)  ## write the Collectors' configurations into their Kubernetes resources; ARGS=--check compares
	$(BIN)/python tools/kubernetes.py $(ARGS)

bench-pipeline: $(READY)  ## what one gateway carries, and the series of a fleet, into docs/scale.md (8 minutes)
	$(BIN)/python bench/pipeline.py --page
	$(BIN)/python tools/series.py --page

stack: $(READY)  ## agent, two gateways, a store of traces and Prometheus on free loopback ports, until Ctrl-C
	$(BIN)/python -m tools.stack

stack-test: $(READY)  ## the whole pipeline against the simulator's ledger, and through an outage
	$(BIN)/python tools/gotool.py collector prometheus
	$(BIN)/pytest -q -s $(STACKED)

prometheus:  ## Prometheus and promtool, built from their pins into a cache outside the checkout (minutes, once)
	$(PYTHON) tools/gotool.py prometheus promtool

pint:  ## the linter of rules, built likewise
	$(PYTHON) tools/gotool.py pint

rules: $(READY)  ## regenerate prometheus/rules/ and the tables of docs/prometheus.md; ARGS=--check compares
	$(BIN)/python -m tools.rules $(ARGS)

rules-test: $(READY)  ## promtool check, promtool test, pint, and a real Prometheus; builds them if need be
	$(BIN)/python -m tools.rules.test
	TIERSCOPE_PROMETHEUS=$$($(BIN)/python tools/gotool.py prometheus) $(BIN)/pytest -q tests/prometheus

dashboards: $(READY)  ## regenerate grafana/dashboards/ and Grafana's alerts, and lint them; ARGS=--check compares
	$(BIN)/python -m grafana $(ARGS)

dashboards-test: $(READY)  ## every query of boards and alerts, asked of a real Prometheus; schemas (needs Go; two minutes)
	$(BIN)/python tools/gotool.py prometheus promtool schemas
	$(BIN)/pytest -q -s tests/grafana

schemas: $(READY)  ## boards, Grafana's alerts and compose.yaml, read by the types of Grafana and of Compose (needs Go)
	$(BIN)/python -m tools.schemas

preview: $(READY)  ## draw the boards without Grafana, into docs/img/ (needs Go, Chromium, npm, pngquant; four minutes)
	$(BIN)/python -m tools.preview $(ARGS)

clean:
	rm -rf $(VENV) .venv-* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
