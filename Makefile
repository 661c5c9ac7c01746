# What each target does, in a line each: make help

GO        ?= go
DATA      ?= data
DICOM     ?= 127.0.0.1:2762
HTTPS     ?= 127.0.0.1:8443
FUZZTIME  ?= 10m
SOAKTIME  ?= 1h
TESTTIME  ?= 15m
BENCHARGS ?=

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS   := -s -w -X main.version=$(VERSION)
BUILD     := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

# The tools of `make check`, pinned. They are run, not linked: go.mod does not know them.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

export CGO_ENABLED = 0

.DEFAULT_GOAL := help
.PHONY: bench-viewer bench-survey bench-codecs fuzz-codecs help build viewer run test test-browser check fmt vet staticcheck vuln arch gen-check cross gen bench fuzz demo soak clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 14

build: ## build the static binary bin/tresor
	@mkdir -p bin
	$(BUILD) -o bin/tresor ./cmd/tresor

viewer: ## fetch, check and pack the viewer (OHIF) that the next build embeds
	@scripts/viewer/make

run: ## install what is missing, build, and start the archive in ./data
	@scripts/install-deps run
	@scripts/viewer/make --if-possible
	@$(MAKE) --no-print-directory build
	@DATA='$(DATA)' DICOM='$(DICOM)' HTTPS='$(HTTPS)' scripts/run

test: ## install what the tests need where that is permitted, then vet and test everything
	@scripts/install-deps test
	@scripts/viewer/make --if-possible
	$(GO) vet ./...
	@TIMEOUT='$(TESTTIME)' scripts/test ./...

test-browser: ## every test of the viewer in Chromium, with pictures in internal/web/viewer/screenshots
	@scripts/install-deps test
	@scripts/viewer/make
	TRESOR_BROWSER=all $(GO) test -count=1 -timeout $(TESTTIME) -v ./internal/web/viewer

check: fmt vet staticcheck vuln arch gen-check cross ## everything that is looked at beside the tests

fmt: ## fail if a file is not as gofmt writes it
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [ -n "$$files" ]; then echo "not as gofmt writes it:"; echo "$$files"; exit 1; fi

vet: ## go vet
	$(GO) vet ./...

staticcheck: ## staticcheck, as staticcheck.conf says
	$(GO) run $(STATICCHECK) ./...

vuln: ## known vulnerabilities in what is linked
	@GOVULNCHECK='$(GOVULNCHECK)' scripts/check-vuln

arch: ## the table of arrows between packages
	$(GO) test -count=1 -run '^TestArrows' .

gen: ## rebuild the generated files (z*), which needs ../shared/standard
	$(GO) generate ./...

gen-check: ## generated files are what make gen makes
	@scripts/check-gen

cross: ## build for the other systems
	@for t in linux/arm64 darwin/arm64 windows/amd64; do \
		echo "build for $$t"; \
		GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -trimpath -buildvcs=false -o /dev/null ./cmd/tresor || exit 1; \
		GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build ./... || exit 1; \
	done

bench: build ## measure the archive and its peers side by side (BENCHARGS=-quick for a look)
	@scripts/install-deps test
	$(GO) run ./bench $(BENCHARGS)

bench-survey: ## the survey beside nmap's dicom-ping, over 2,300 simulated archives
	@scripts/install-deps test
	TRESOR_SURVEY_BENCH='$(CURDIR)/.cache/bench-survey.md' $(GO) test -count=1 -timeout 10m -v -run '^TestBesideNmap$$' ./internal/survey

bench-codecs: ## the codecs beside the C libraries of the field, in one run
	TRESOR_BENCH=1 $(GO) test -count=1 -run '^TestCompareWithC$$' -v ./dicom/pixel

fuzz-codecs: ## run the fuzz targets of the codecs for 30 minutes each
	@FUZZTIME=30m PACKAGES='./dicom/pixel/...' scripts/fuzz

bench-viewer: ## the first image in a browser, ours and OHIF before Orthanc
	@scripts/install-deps test
	@scripts/viewer/make
	TRESOR_SPEED=1 $(GO) test -count=1 -timeout $(TESTTIME) -run TestFirstImage -v ./internal/web/viewer

fuzz: ## run every fuzz target for FUZZTIME
	@FUZZTIME='$(FUZZTIME)' scripts/fuzz

demo: ## start an archive, enrol a device, send it sample studies over TLS
	@scripts/viewer/make --if-possible
	@$(MAKE) --no-print-directory build
	@scripts/demo

soak: build ## a mixed load for SOAKTIME; memory and open descriptors must stay level
	$(GO) run ./bench -soak $(SOAKTIME) $(BENCHARGS)

clean: ## remove what was built; the archive in ./data stays
	rm -rf bin .cache
