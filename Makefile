# The commands of the house. Each installs what it needs; see scripts/ for what they do.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help run test bench build check audit unit e2e book

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: ## build, cache an image, start two containers from it, show how long each took (IMAGE=reference|oci:DIR|docker-archive:FILE)
	@scripts/run.sh

test: ## everything: checks, unit tests, privileged suites, end-to-end scripts (uses sudo where not root)
	@scripts/test.sh

bench: ## side by side with containerd, podman and umoci (BENCH_ARGS=--quick for one round)
	@scripts/bench.sh $(BENCH_ARGS)

build: ## the imc program, optimised: target/release/imc
	@scripts/install.sh build
	@PATH="$$PATH:$$HOME/.cargo/bin" cargo build --release --package cli

check: ## formatting, lints, the rules of the house
	@scripts/install.sh build
	@scripts/check.sh

audit: ## licences, bans, sources and known vulnerabilities of what is depended on
	@scripts/install.sh build
	@scripts/audit.sh

unit: ## unit tests alone: no root, no servers
	@scripts/install.sh build
	@PATH="$$PATH:$$HOME/.cargo/bin" cargo test --workspace

e2e: ## the end-to-end scripts alone
	@scripts/test.sh e2e

book: ## the pages of docs/ as HTML: target/book/index.html
	@scripts/install.sh build
	@scripts/book.sh
