# The two commands that matter: make demo, make test.

GO      ?= go
BIN     := bin
PACKAGE := ./...
# What the programs call their version: also where the Go tool finds no repository, or is told not to look (-buildvcs=false).
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
STAMP   := $(if $(VERSION),-ldflags '-X github.com/quobyte/mesos-framework/cmd/internal/build.stamp=$(VERSION)')
# Where the tests that kill the framework tell how long it took until it, or its standby, was subscribed again.
TAKEOVERS := $(CURDIR)/$(BIN)/takeovers.txt
# The race detector needs a C compiler.
RACE    := $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)

.DEFAULT_GOAL := help
.PHONY: help build test demo sim mutations soak bench benchall lint clean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/quobyte-mesos and bin/dcos-quobyte
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath $(STAMP) -o $(BIN)/ ./cmd/quobyte-mesos ./cmd/dcos-quobyte

demo: build ## Deploy Quobyte on an embedded cluster and watch it (Ctrl-C ends it)
	@$(BIN)/quobyte-mesos demo

test: lint ## Run all tests, with the race detector where there is a C compiler
	@test -n "$(RACE)" || echo "no C compiler found: testing without the race detector"
	@mkdir -p $(BIN) && rm -f $(TAKEOVERS)
	TAKEOVERS_REPORT=$(TAKEOVERS) $(GO) test $(RACE) $(PACKAGE)
	@cat $(TAKEOVERS) 2>/dev/null || echo "take-over: not measured (ZooKeeper is missing, or the results were kept from an earlier run)"

sim: ## Try n schedules of failures against the machine in virtual time (SEEDS=1000)
	$(GO) test ./tests/sim -run TestSeeds -v -timeout 4h -sim.seeds $${SEEDS:-1000} -sim.first $${FIRST:-1}

mutations: ## Try whether the simulator finds deliberate faults, and write the table in docs/testing.md
	$(GO) test ./tests/sim -run 'TestMutations' -v -timeout 4h -sim.mutations -sim.table ../../docs/testing.md

soak: ## Kill the framework 200 times at random moments of deployments (SOAK_KILLS=n)
	SOAK_KILLS=$${SOAK_KILLS:-200} $(GO) test ./tests/e2e -run 'TestKilledAtRandomMoments|TestLeadersFallAtRandomMoments' -v -timeout 2h

bench: ## Measure what has a goal, on one core, and how long a takeover takes
	@{ $(GO) test ./engine/store -run '^$$' -bench Commit -cpu 1; \
	   $(GO) test ./engine ./tests/bench -run '^$$' -bench 'Intake|Restart|Serve' -benchtime 10x -cpu 1; \
	   $(GO) test ./tests/e2e -run 'TestStandbyTakesOverFromALeaderThatWasKilled|TestKilledAtRandomMoments' -count 1 -v | grep -E 'take-over,|^(---|ok|FAIL)'; } | awk -f tests/bench/goals.awk

benchall: ## Run all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem $(PACKAGE)

lint: ## Check formatting and vet
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './$(BIN)/*')); \
	  test -z "$$unformatted" || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	$(GO) vet $(PACKAGE)

clean: ## Remove what was built
	rm -rf $(BIN)
