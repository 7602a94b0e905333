# SPDX-License-Identifier: BSD-2-Clause
# One Makefile, no configure step. `make help` lists what it can do.

B := build
CLANG ?= clang
comma := ,
CFLAGS := -std=gnu11 -D_GNU_SOURCE= -O2 -g -Wall -Wextra -Werror -I. -Iinclude -I$(B) -MMD -MP $(if $(DEBUG),-O0) \
	$(if $(SAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer)
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Iinclude -Ivmlinux -MMD -MP
LDLIBS := -luv -ljansson -lyaml -lmnl -lxdp -lbpf -lelf -lz

lib_src := $(wildcard user/base/*.c user/mesh/*.c user/source/*.c user/plane/*.c user/probe/*.c)
lib_obj := $(lib_src:%.c=$(B)/%.o)
daemon_obj := $(patsubst %.c,$(B)/%.o,$(wildcard user/daemon/*.c))
cli_obj := $(patsubst %.c,$(B)/%.o,$(wildcard user/cli/*.c))
bench_obj := $(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(wildcard tools/bench/*.c)))
packets_obj := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bpf/*.c))
unit := $(patsubst tests/unit/test_%.c,$(B)/test_%,$(wildcard tests/unit/test_*.c))
programs := $(B)/xdpmesh $(B)/xdpmeshd $(B)/xdpmesh-bench

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all packages deps demo test test-quick test-long test-kernels tests bench lint golden clean help

all: packages $(B)/xdpmesh.bpf.o $(B)/pass.bpf.o $(programs) ## build everything (needs `make deps` once)

packages: # one line says what is missing
	@tools/deps.sh --check

deps: ## install the Debian packages that build, demo and tests need (root)
	@tools/deps.sh

demo: deps ## the main job, in network namespaces: real clients, real servers, a backend killed under load (root)
	@$(MAKE) -s -j2 all
	@tools/demo.sh

test: deps ## all tests (root); T=SUITE/NAME or T=SUITE runs a part, as T=netns/nat
	@$(MAKE) -s -j2 all tests
	@tests/run.sh $(T)

test-quick: ## what needs no root: unit tests and lint
	@$(MAKE) -s -j2 all tests
	@tests/run.sh lint unit

test-long: deps ## all tests, property tests with 100,000 cases
	@$(MAKE) -s -j2 all tests
	@XM_CASES=100000 XM_UNIT_TIMEOUT=3600 tests/run.sh $(T)

test-kernels: deps ## the programs on an older kernel, emulated (root): K=debian-12 T="budget bpf netns/nat"
	@$(MAKE) -s -j2 all tests
	@tools/kernels.sh $(or $(K),debian-12) $(or $(T),budget bpf netns/nat)

tests: $(unit) $(B)/packets $(B)/verifier $(B)/race $(B)/pass.bpf.o $(B)/seq $(B)/seq.bpf.o

bench: deps ## ns a packet over the floor (root)
	@$(MAKE) -s -j2 all
	@$(B)/xdpmesh-bench $(ARGS)

lint: ## format, layers, lone headers, cppcheck, lengths
	@$(MAKE) -s -j2 $(B)/xdpmesh.skel.h
	@tools/lint.sh

golden: ## rewrite the golden files; read the diff
	@$(MAKE) -s -j2 all tests
	@XM_GOLDEN=write tests/run.sh unit bad

clean: ## remove build/
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo "  DEBUG=1 builds without optimisation, SAN=1 with address and undefined-behaviour sanitizers (make clean first)."

# --- BPF: objects, one linked object, one skeleton

$(B)/bpf/%.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $@"; $(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/xdpmesh.bpf.o: $(patsubst bpf/%.bpf.c,$(B)/bpf/%.o,$(wildcard bpf/*.bpf.c))
	@echo "  GEN   $@"; bpftool gen object $@ $^

$(B)/xdpmesh.skel.h: $(B)/xdpmesh.bpf.o
	@echo "  GEN   $@"; bpftool gen skeleton $< name xdpmesh_bpf > $@

$(B)/bench.bpf.o: tools/bench/bench.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $@"; $(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/%.bpf.o: tests/lab/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $@"; $(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/bench.skel.h: $(B)/bench.bpf.o
	@echo "  GEN   $@"; bpftool gen skeleton $< name bench_bpf > $@

# --- user space

$(B)/%.o: %.c | $(B)/xdpmesh.skel.h $(B)/bench.skel.h
	@mkdir -p $(@D)
	@echo "  CC    $@"; $(CC) $(CFLAGS) -c $< -o $@

# what embeds the programs is rebuilt with them
$(B)/user/plane/load.o $(B)/user/plane/pins.o $(packets_obj) $(bench_obj) $(B)/tests/verifier.o $(B)/tests/race/race.o: $(B)/xdpmesh.skel.h

$(B)/libxdpmesh.a: $(lib_obj)
	@rm -f $@
	@$(AR) rcs $@ $^

$(B)/xdpmeshd: $(daemon_obj) $(B)/libxdpmesh.a
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ $(LDLIBS) -o $@

$(B)/xdpmesh: $(cli_obj) $(B)/libxdpmesh.a
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ $(LDLIBS) -o $@

$(B)/xdpmesh-bench: $(bench_obj)
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ $(LDLIBS) -o $@

$(B)/packets: $(packets_obj)
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ -lbpf -lelf -lz -o $@

$(B)/verifier: $(B)/tests/verifier.o
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ -lbpf -lelf -lz -o $@

$(B)/seq: $(B)/tests/lab/seq.o $(B)/libxdpmesh.a
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ $(LDLIBS) -lpthread -o $@

$(B)/race: $(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(wildcard tests/race/*.c))) $(B)/libxdpmesh.a
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ $(LDLIBS) -lpthread -o $@

$(B)/test_%: $(B)/tests/unit/test_%.o $(B)/libxdpmesh.a
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ -lcmocka $(LDLIBS) -o $@

$(B)/test_cli: $(B)/tests/unit/test_cli.o $(filter-out %/main.o,$(cli_obj)) $(B)/libxdpmesh.a
	@echo "  CC    $@"; $(CC) $(CFLAGS) $^ -lcmocka $(LDLIBS) -o $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)
