# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The short way in: `make check` and `make demo` do everything, from installing
# what is missing to the result. CMake does the building (CMakePresets.json).

PRESET ?= release
JOBS   ?= $(shell nproc)

# The presets' build folders; tools and tests of the default preset live in build/.
ifneq ($(filter $(PRESET),release ci),)
BUILD  := build
else
BUILD  := build-$(PRESET)
endif
PYTHON := .venv/bin/python

.PHONY: help setup configure build check demo demo-summarize demo-translate bench format lint tidy clean

help: ## list these targets
	@echo "usage: make TARGET [PRESET=release|debug|asan|ci] [JOBS=N]"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install missing Debian packages (root or sudo) and make .venv
	@scripts/setup

configure: setup
	@scripts/configure $(PRESET) $(BUILD)

build: configure ## build the tools, the libraries and the Python package into build/
	@cmake --build $(BUILD) --parallel $(JOBS)

check: build ## run every test: lit, gtest, pytest, lint
	@scripts/check $(BUILD) $(JOBS)

demo: build ## compile a binary BERT-base, run it and compare it
	@PYTHONPATH=$(BUILD)/python $(PYTHON) examples/bert_demo.py --output $(BUILD)/demo

demo-summarize: build ## generate with binary and ternary BART-base, beside ONNX Runtime
	@PYTHONPATH=$(BUILD)/python $(PYTHON) examples/summarize.py --output $(BUILD)/summarize

demo-translate: build ## translate with binary Transformer-base models, beside ONNX Runtime
	@PYTHONPATH=$(BUILD)/python $(PYTHON) examples/translate.py --output $(BUILD)/translate

bench: build ## measure beside other engines; writes docs/Performance.md (25 minutes)
	@grep -v '^#' benchmark/requirements.txt | while read -r package; do \
	  CC=clang-22 CXX=clang++-22 .venv/bin/pip install -q "$$package" || \
	  echo "bench: goes on without $$package" >&2; done
	@PATH=$(CURDIR)/$(BUILD)/bin:$$PATH PYTHONPATH=$(BUILD)/python \
	  $(PYTHON) benchmark/suite.py -o $(BUILD)/bench.json
	@$(PYTHON) benchmark/report.py $(BUILD)/bench.json --output docs/Performance.md

format: setup ## rewrite C++ and Python sources in the project's style
	@scripts/lint --fix

lint: setup ## report what `make format` would change, and type errors
	@scripts/lint

tidy: build ## run clang-tidy over lib/ and tools/ (slow; needs clang-tidy-22)
	@run-clang-tidy-22 -quiet -p $(BUILD) -j $(JOBS) '$(CURDIR)/(lib|tools)/.*'

clean: ## remove the build folders (keeps .venv)
	rm -rf build build-debug build-asan build-fuzz
