# mq: Apache Kafka without a broker.
#
# `make help` lists the targets.  What one may set: CC (gcc or clang), BUILD (folder of the objects), BIN (folder of the
# programs), OPT, WERROR=1 (warnings are errors), PREFIX and DESTDIR (install).  Each kind of build has a BUILD of its own.

CC = gcc
AR = ar
OPT = -O2 -g
BUILD = build
BIN = bin
PREFIX = /usr/local
DESTDIR =
MANDIR = $(PREFIX)/share/man
INSTALL = install
JOBS = $(shell nproc)

# The libraries, by their pkg-config names; the packages they come from are in scripts/deps. Small ones are linked into the programs,
# because each that is loaded costs a run of mq-produce for one record a tenth of its time; libisal is there only to be loaded.
LOADED_LIBS = libisal
LINKED_LIBS = libbsd jansson
LIBS = $(LOADED_LIBS) $(LINKED_LIBS)

ifeq ($(origin CC),default)
CC = gcc
endif
ifdef CI
WERROR = 1
endif

WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	$(if $(filter 1,$(WERROR)),-Werror)
HARDEN = -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SANITIZE =
# Without the static runtimes gcc's UBSan writes its reports to stderr, where a test may not look.
STATIC_RUNTIME = $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan)

# Asked for once, and only when something is compiled: scripts/deps may have to install pkg-config first.
LIBS_CFLAGS = $(eval LIBS_CFLAGS := $$(shell pkg-config --cflags $(LIBS)))$(LIBS_CFLAGS)
LIBS_LDLIBS = $(eval LIBS_LDLIBS := $$(shell pkg-config --libs $(LIBS)))$(or $(LIBS_LDLIBS),$(error run scripts/deps first))
PROGRAM_LDLIBS = $(eval PROGRAM_LDLIBS := -Wl,-Bstatic $$(shell pkg-config --static --libs $(LINKED_LIBS)) -Wl,-Bdynamic \
	$$(shell pkg-config --libs $(LOADED_LIBS)))$(PROGRAM_LDLIBS)
UNIT_LDLIBS = $(eval UNIT_LDLIBS := $$(shell pkg-config --libs cmocka))$(or $(UNIT_LDLIBS),$(error run scripts/deps first))

CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -Isrc $(OPT) $(WARN) $(HARDEN) $(SANITIZE) $(LIBS_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZE) $(if $(SANITIZE),$(STATIC_RUNTIME)) $(LDFLAGS)
# Unit tests make the n-th allocation fail: see tests/unit/unit.h.
WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=strdup,--wrap=strndup

SRCS := $(wildcard src/base/*.c src/log/*.c src/store/*.c src/wire/*.c src/cmd/*.c)
MAINS := $(wildcard src/cmd/mq-*.c)
UNITS := $(wildcard tests/unit/test_*.c)
OBJS := $(patsubst src/%.c,$(BUILD)/%.o,$(filter-out $(MAINS),$(SRCS)))
MAIN_OBJS := $(patsubst src/%.c,$(BUILD)/%.o,$(MAINS))
PROGRAMS := $(patsubst src/cmd/%.c,$(BIN)/%,$(MAINS))
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNITS))
# The client for Redis is made only where its library is, see bench.
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out %/xadd.c,$(wildcard tests/bench/*.c)))
MANS := $(wildcard man/*.[1-9])
KAFKA := build/kafka
KAFKA_SRCS := $(wildcard tests/full/kafka/*.java)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all demo check check-full soak bench bench-growth bench-programs kafka unit unit-programs lint format asan fuzzers fuzz-programs test-programs install uninstall clean help FORCE

all: $(PROGRAMS)					## build the programs into bin/ (the default)

demo:							## install what the build needs, build, and show mq at work
	@scripts/deps build
	@$(MAKE) -s -j$(JOBS) all
	@scripts/demo

check:							## all tests a change must pass, under 4 minutes; ends with one line of counts
	@scripts/deps
	@$(MAKE) -s -j$(JOBS) WERROR=1 all test-programs
	@$(MAKE) -s -j$(JOBS) WERROR=1 asan
	@scripts/check

check-full:						## besides check: sanitizers over everything, clang, Kafka, a bare machine
	@scripts/deps full
	@$(MAKE) -s -j$(JOBS) WERROR=1 all test-programs
	@$(MAKE) -s -j$(JOBS) WERROR=1 asan
	@scripts/check-full

soak:							## what check-full does for minutes, for longer: SECONDS=3600; see scripts/soak
	@scripts/deps full
	@$(MAKE) -s -j$(JOBS) WERROR=1 all test-programs
	@scripts/soak $(SECONDS)

bench: all bench-programs				## measure what mq promises of speed; ROW="6 7" only these; see scripts/bench
	@! pkg-config --exists hiredis || $(MAKE) -s $(BUILD)/bench/xadd
	@MQ_BUILD=$(BUILD) MQ_BIN=$(BIN) scripts/bench $(ROW)

bench-growth: all bench-programs			## how cost grows: records, partitions, producers, segments; tables and a picture
	@MQ_BUILD=$(BUILD) MQ_BIN=$(BIN) scripts/bench --growth

unit: unit-programs					## build and run the unit tests only
	@MQ_BUILD=$(BUILD) tests/run $(UNITS)

lint:							## check the form of sources, scripts and manual pages
	@tests/run scripts/lint

format:							## rewrite sources and scripts as the lint wants them
	@scripts/lint --format

# The sanitizers have a tree of their own: build/asan, its programs in build/asan/bin.
asan:							## build programs and unit tests with ASan and UBSan, in build/asan
	@$(MAKE) BUILD=$(BUILD)/asan BIN=$(BUILD)/asan/bin OPT='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' all test-programs

# libFuzzer is clang's.
fuzzers:						## build the fuzzers of tests/fuzz, in build/fuzzers; scripts/fuzz runs them
	@$(MAKE) CC=clang BUILD=$(BUILD)/fuzzers BIN=$(BUILD)/fuzzers/bin OPT='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' fuzz-programs

# Apache Kafka and our classes that use it, for tests/full; in one place whatever the tree, because it is large.
kafka: $(KAFKA)/classes.made				## fetch Apache Kafka from Maven Central, once, into build/kafka

unit-programs: $(UNIT_PROGRAMS)
bench-programs: $(BENCH_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)
test-programs: unit-programs bench-programs $(BUILD)/shim.so $(BUILD)/clock.so $(BUILD)/mutate

install: all						## install programs and manual pages under PREFIX (/usr/local)
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin
	$(if $(PROGRAMS),$(INSTALL) -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin)
	$(foreach m,$(MANS),$(INSTALL) -D -m 644 $(m) $(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))$(newline))

uninstall:						## remove what install put there
	rm -f $(patsubst $(BIN)/%,$(DESTDIR)$(PREFIX)/bin/%,$(PROGRAMS)) \
		$(foreach m,$(MANS),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))

clean:							## remove what was built
	rm -rf $(BUILD) $(BIN)/mq-*

help:							## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

define newline


endef

# Flags and names of objects are remembered, so that other flags compile everything again, and a source that is gone leaves the library.
remember = mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' >$@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/flags: FORCE
	@$(call remember,$(CC) $(CFLAGS_ALL) | $(LDFLAGS_ALL) | $(LIBS_LDLIBS) | $(PROGRAM_LDLIBS))

$(BUILD)/objects: FORCE
	@$(call remember,$(OBJS))

$(BUILD)/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/libmq.a: $(OBJS) $(BUILD)/objects
	@rm -f $@
	$(AR) rcsD $@ $(OBJS)

$(BIN)/%: $(BUILD)/cmd/%.o $(BUILD)/libmq.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PROGRAM_LDLIBS)

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libmq.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Itests/unit -MMD -MP -MF $@.d $(LDFLAGS_ALL) $(WRAP) -o $@ $< $(BUILD)/libmq.a $(LIBS_LDLIBS) $(UNIT_LDLIBS)

$(BUILD)/mutate: tests/full/mutate.c $(BUILD)/libmq.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libmq.a $(LIBS_LDLIBS)

# Only here is FUSE needed.
$(BUILD)/logdisk: tests/full/logdisk.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARN) $(shell pkg-config --cflags fuse3) -o $@ $< $(shell pkg-config --libs fuse3)

$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libmq.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libmq.a $(LIBS_LDLIBS) $(BENCH_LDLIBS)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libmq.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< $(BUILD)/libmq.a $(LIBS_LDLIBS)

$(BUILD)/bench/xadd: BENCH_LDLIBS = $(shell pkg-config --libs hiredis)

# These stand between a program and libc, so they are built plainly whatever the tree.
$(BUILD)/%.so: tests/crash/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARN) -U_FORTIFY_SOURCE -fPIC -shared -o $@ $<

$(KAFKA)/lib.made: tests/full/kafka/pom.xml
	@rm -rf $(KAFKA)/lib
	timeout 600 mvn -q -B -Dstyle.color=never -f $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$(KAFKA)/lib
	@touch $@

$(KAFKA)/classes.made: $(KAFKA)/lib.made $(KAFKA_SRCS)
	@rm -rf $(KAFKA)/classes
	javac -Xlint:all -Werror -d $(KAFKA)/classes -cp "$(KAFKA)/lib/*" $(KAFKA_SRCS)
	@touch $@

-include $(OBJS:.o=.d) $(MAIN_OBJS:.o=.d) $(UNIT_PROGRAMS:=.d) $(wildcard $(BUILD)/bench/*.d $(BUILD)/fuzz/*.d) $(BUILD)/mutate.d
