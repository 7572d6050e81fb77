# make run, make test; `make help` names the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOBUILD := CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
FUZZTIME ?= 30s

.PHONY: help build run walkthrough test race lint fmt bench fuzz vuln generate image clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## bin/chartseal, one static binary
	@mkdir -p bin
	$(GOBUILD) -o bin/chartseal ./cmd/chartseal

run: build ## start everything with demonstration data; Ctrl-C stops it
	@scripts/run

walkthrough: build ## a server of its own: chart, consent, withdraw, receipt, verify offline
	@scripts/run --fresh --then scripts/walkthrough

test: ## all tests, with a summary
	@scripts/test

race: ## all tests under the race detector
	@scripts/test -race

lint: bin/golangci-lint bin/gofumpt ## golangci-lint, gofumpt, shell syntax
	bin/golangci-lint run ./...
	@unformatted="$$(git ls-files --cached --others --exclude-standard '*.go' | grep -v '\.pb\.go$$' | xargs bin/gofumpt -l)"; \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	@for f in .ci/run scripts/*; do bash -n "$$f"; done

fmt: bin/gofumpt ## format all Go files
	git ls-files --cached --others --exclude-standard '*.go' | grep -v '\.pb\.go$$' | xargs bin/gofumpt -w

bench: ## all benchmarks; compare two runs with bin/benchstat
	go test -run '^$$' -bench . -benchmem -timeout 60m ./...

fuzz: ## each fuzz target for FUZZTIME
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg"; \
	  done; \
	done

vuln: bin/govulncheck ## known vulnerabilities in what is reachable (asks vuln.go.dev)
	bin/govulncheck ./...

generate: ## everything that is generated and committed
	go generate ./...

image: ## container image chartseal:VERSION
	docker build --build-arg VERSION=$(VERSION) -t chartseal:$(VERSION) .

clean: ## what was built; data directories stay
	rm -rf bin

bin/golangci-lint bin/gofumpt bin/govulncheck bin/benchstat: tools/go.mod tools/go.sum
	@mkdir -p bin
	go -C tools build -o ../bin/ "$$(go -C tools tool | grep '/$(@F)$$')"
	@touch $@
