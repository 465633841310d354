# Bellrock: the few commands that a person types. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help run test bench bench-metrics bench-exporter-disk bench-events bench-rules bench-collector bench-merges bench-large soak fmt lint ui screenshots axe ui-perf

# A faster linker for targets where rustc brings none of its own; cargo alone works without.
LINKER := $(shell sh scripts/linker.sh)
CARGO := $(LINKER) cargo

# More arguments, as in `make run ARGS="--data-dir ./elsewhere"` or `make bench ARGS=--quick`.
ARGS ?=

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: ui ## build and run the server with a living demo; open http://localhost:3301
	$(CARGO) run --release -p bellrock -- serve --demo $(ARGS)

test: ## everything that CI runs
	@$(LINKER) bash scripts/test.sh

soak: ## ingest, queries, merges and retention at once for ten minutes; BELLROCK_SOAK_SECONDS says otherwise
	BELLROCK_SOAK_SECONDS=$${BELLROCK_SOAK_SECONDS:-600} $(CARGO) test --release -p eventstore --test it soak:: -- --nocapture

bench: ## ingest and query measurements, written to bench/results
	$(CARGO) build --release -p bellrock -p loadgen
	python3 bench/run.py $(ARGS)

bench-rules: ## ten thousand rules at 15 s
	$(CARGO) build --release -p bellrock
	python3 bench/rules.py --bellrock $${CARGO_TARGET_DIR:-target}/release/bellrock $(ARGS)

bench-collector: ## pipelines beside the wheel rotel, which it installs into bench/.venv
	$(CARGO) build --release -p bellrock -p loadgen
	python3 -m venv bench/.venv && bench/.venv/bin/pip install -q -r bench/requirements-collector.txt
	python3 bench/collector.py $(ARGS)

bench-merges: ## acknowledgement times while merges run, and write amplification
	$(CARGO) build --release -p bellrock -p loadgen
	python3 bench/merges.py $(ARGS)

bench-large: ## a hundred million spans: trace by id, memory, size; about seven minutes and 4 GB of disk
	$(CARGO) build --release -p bellrock -p loadgen
	python3 bench/large.py $(ARGS)

bench-metrics: ## beside Debian's prometheus and victoria-metrics
	$(CARGO) build --release -p bellrock -p loadgen
	python3 bench/metrics.py $(ARGS)

bench-exporter-disk: ## what samples of Debian's node exporter take on disk, beside Prometheus and VictoriaMetrics; about 21 minutes
	$(CARGO) build --release -p bellrock -p loadgen
	python3 bench/exporter_disk.py $(ARGS)

bench-events: ## beside ClickHouse and DuckDB, which it installs into bench/.venv
	$(CARGO) build --release -p bellrock -p loadgen
	python3 -m venv bench/.venv && bench/.venv/bin/pip install -q -r bench/requirements.txt
	bench/.venv/bin/python bench/events.py $(ARGS)

fmt: ## format Rust and the UI
	cargo fmt --all
	@if command -v npm >/dev/null && [ -d ui/node_modules ]; then npm --prefix ui run format; fi

lint: ## the checks that need no test run
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) xtask tidy

ui: ## build the web UI into ui/dist, where the server embeds it
	@sh scripts/ui.sh

screenshots: ## pictures of every page in both themes, from the server at BELLROCK_API, into ui/screenshots
	npm --prefix ui run screenshots -- $(ARGS)

ui-perf: ## the UI's budgets in a real browser, over a server of its own (BELLROCK_BIN), or that at BELLROCK_API; ARGS=--record\ ../docs/benchmarks.md writes them down
	npm --prefix ui run build
	npm --prefix ui run ui-perf -- $(ARGS)

axe: ## accessibility of every page, by axe-core, from the server at BELLROCK_API
	npm --prefix ui run axe -- $(ARGS)
