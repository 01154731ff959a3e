# The one door: people and CI run the same targets. `make` alone prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
export NINJA_STATUS = [%f/%t, %es] # finished/total, seconds
NINJA = ninja -j $(JOBS) -C
PROGRAMS = parleyd parley parley-load
SOURCES = git ls-files '*.h' '*.cc'

.PHONY: help deps run package split cluster cluster-status cluster-down backends backends-down build dev test tsan fault fuzz bench bench-cluster lint tidy format clean check-debootstrap

help: ## print this list
	@echo "Parley: type 'make run' for a server, 'make test' to check it."
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name does; do printf '  make %-18s %s\n' "$$name" "$$does"; done

deps: ## install the packages that the build needs (SET=cluster, test, tidy or bench: those of that)
	@scripts/bootstrap $(or $(SET),build)

run: build ## build the server and start it with demo people (ARGS=... is passed on)
	@exec build/release/bin/parleyd --demo $(ARGS)

split: build ## build the server and start it as separate processes (scripts/split status, scripts/split stop)
	@scripts/split start

cluster: build ## start those servers and, on them, every service, two message processes and two gateways behind HAProxy
	@$(MAKE) -s backends
	@scripts/split start --folder build/cluster/parley --backends build/cluster

cluster-status: ## what of the cluster runs, and how it is
	@scripts/backends status
	@scripts/split status --folder build/cluster/parley

cluster-down: ## stop the cluster; its data stays in build/cluster
	@scripts/split stop --folder build/cluster/parley
	@scripts/backends stop

backends: ## start Redis, MariaDB, Cassandra, Kafka, ZooKeeper and an S3 store (FORM=full: three nodes of each of three)
	@scripts/bootstrap cluster
	@scripts/backends start $(if $(FORM),--form $(FORM))

backends-down: ## stop them; their data stays in build/cluster
	@scripts/backends stop

build: ## build the release programs into build/release/bin
	@scripts/bootstrap build
	@$(MAKE) -s build/release/build.ninja
	@$(NINJA) build/release $(PROGRAMS)

package: build ## build the Debian package build/release/package/parley_*.deb
	@scripts/bootstrap package
	@cd build/release && cpack -G DEB

dev: ## build everything quickly, without optimisation (build/dev)
	@scripts/bootstrap test
	@$(MAKE) -s build/dev/build.ninja
	@$(NINJA) build/dev

test: ## install what the tests need and pass them all, under sanitizers
	@scripts/test asan tsan

tsan: ## the concurrent units' tests alone, under the thread sanitizer
	@scripts/test tsan

fault: ## the fault tests with fresh random seeds
	@scripts/test fault

fuzz: ## run each fuzzer for FUZZ_SECONDS (60)
	@scripts/bootstrap test
	@$(MAKE) -s build/fuzz/build.ninja
	@$(NINJA) build/fuzz fuzzers
	@scripts/fuzz $(FUZZ_SECONDS)

bench: ## measure against the floors; writes build/release/bench.json
	@scripts/bootstrap bench
	@$(MAKE) -s build/release/build.ninja
	@$(NINJA) build/release $(PROGRAMS) benches
	@bench/run

bench-cluster: build ## measure the cluster's small form on this machine; writes build/release/bench_cluster.json
	@scripts/bootstrap cluster
	@bench/cluster

lint: ## check the include directions, the API documents and the format
	@scripts/bootstrap test
	@scripts/lint_includes
	@scripts/api_docs --check
	@$(SOURCES) | xargs clang-format-22 --dry-run --Werror

tidy: ## clang-tidy on what changed since the main branch (FILES=... chooses files)
	@scripts/bootstrap tidy
	@$(MAKE) -s dev
	@scripts/tidy $(FILES)

format: ## format the C++ sources in place
	@scripts/bootstrap test
	@$(SOURCES) | xargs clang-format-22 -i

clean: ## stop the servers that run in build/, and remove it
	@for noted in $(wildcard build/*/servers.json build/*/backends/servers.json); do scripts/backends stop --folder $${noted%/*}; done
	rm -rf build

check-debootstrap: ## prove `make run` and `make test` in a minimal Debian 12 (root; about an hour)
	@scripts/check_debootstrap --test

build/%/build.ninja: CMakePresets.json
	@cmake --preset $* --log-level=WARNING >/dev/null
	@touch $@
