# The only build file. `make help` tells what there is.
MODE ?= release
BUILD ?= build
Q = @
CC = gcc
PKGS = openssl sqlite3 libsodium libutf8proc zlib
CSTD = -std=gnu11
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef -Werror
DEFS = -D_GNU_SOURCE -Isrc
OPT_release = -O2 -g
OPT_debug = -O0 -g
OPT_asan = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT_tsan = -O1 -g -fsanitize=thread
OPT_fuzz = -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPT_coverage = -O0 -g --coverage
ifeq ($(MODE),fuzz)
CC = clang
endif
OPT = $(OPT_$(MODE))
HARDEN_release = -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_ALL = $(CSTD) $(WARN) $(DEFS) $(OPT) $(HARDEN_$(MODE)) -fno-strict-aliasing -pthread $(CFLAGS)
LIBS = $(shell pkg-config --libs $(PKGS)) -lmpfr -lgmp -lgeos_c -lproj -lstemmer -lm

OUT = $(BUILD)/$(MODE)
SRC = $(filter-out src/main.c,$(wildcard src/*/*.c src/*/*/*.c))
OBJ = $(SRC:src/%.c=$(OUT)/obj/%.o)
LIB = $(OUT)/libseltzer.a
UNIT = $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ = $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY = $(patsubst tests/fuzz/%.c,$(OUT)/replay/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH = $(patsubst bench/%.c,$(OUT)/bench/%,$(wildcard bench/bench_*.c) bench/load.c bench/work.c)
BENCH_LIBS_bench_readers = -lyajl -lcsv
BENCH_SHARED = $(OUT)/bench/workload.o $(OUT)/bench/reference.o

.PHONY: all help unit fuzz replays coverage bench soak layers lint format check clean headers
all: $(OUT)/seltzer
ifeq ($(MODE),release)
all: $(BUILD)/seltzer
endif
ifeq ($(MODE),asan)
all: $(OUT)/fault/seltzer
endif

help:
	@echo "make              build/seltzer, optimised (MODE=release)"
	@echo "make MODE=asan    $(BUILD)/asan/seltzer with AddressSanitizer and UBSan; also tsan, debug"
	@echo "make unit         build and run the unit tests (any MODE)"
	@echo "make fuzz         build the fuzzers (clang, libFuzzer) into $(BUILD)/fuzz/fuzz"
	@echo "make replays      programs that replay the fuzzers' kept inputs, without libFuzzer (any MODE); tools/replay-fuzz runs them"
	@echo "make coverage     branch coverage of the parsers by the unit tests and the fuzzers' kept inputs"
	@echo "make bench        the figures of docs/performance.md"
	@echo "make soak         everything that ./test samples, in full; PARTS=\"fuzz kills\" chooses; hours (tools/soak --help)"
	@echo "make layers       check the includes against LAYERS"
	@echo "make lint         clang-tidy and cppcheck"
	@echo "make check        layers, unit tests, wire tests"
	@echo "make clean        remove $(BUILD)"

$(BUILD)/seltzer: $(OUT)/seltzer
	@cp -f $< $@.new && mv -f $@.new $@

$(OUT)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(Q)echo "  cc $<"; $(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(LIB): $(OBJ)
	@rm -f $@
	@ar rcs $@ $(OBJ)

$(OUT)/seltzer: $(OUT)/obj/main.o $(LIB)
	$(Q)$(CC) $(CFLAGS_ALL) $^ $(LIBS) -o $@

# The server whose calls can be made to fail (tests/fault/faults.c): for the tests alone. Its malloc is called before ThreadSanitizer is
# set up, so it is not instrumented.
FAULTS_tsan = -fno-sanitize=thread -DSANITIZED
$(OUT)/fault/faults.o: tests/fault/faults.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(FAULTS_$(MODE)) -MMD -MP -c $< -o $@

$(OUT)/fault/seltzer: $(OUT)/fault/faults.o $(OUT)/obj/main.o $(LIB)
	$(Q)$(CC) $(CFLAGS_ALL) $(OUT)/fault/faults.o $(OUT)/obj/main.o $(LIB) $(LIBS) -rdynamic -o $@

# A disk whose power can be cut (tests/fault/power.c), in the place of the calls of this test's SQLite.
$(OUT)/fault/power.o: tests/fault/power.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(FAULTS_$(MODE)) -MMD -MP -c $< -o $@
$(OUT)/unit/test_power_loss: $(OUT)/fault/power.o

$(OUT)/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP $< $(LIB) $(LIBS) -lcmocka $(LINK_$*) -o $@

# Tests that put something of their own in the place of a function: a store and a clock; a malloc, or an arena, that fails.
LINK_test_power_loss = $(OUT)/fault/power.o -rdynamic -Wl,--wrap=clock_mono_ms
LINK_test_store_history = -Wl,--wrap=fdatasync,--wrap=catalog_add_history
LINK_test_catalog = -Wl,--wrap=random_text
LINK_test_disk_reserve = -Wl,--wrap=statvfs
LINK_test_scratch_faults = -Wl,--wrap=pwrite,--wrap=pread,--wrap=write,--wrap=fsync
LINK_test_secret = -Wl,--wrap=getrandom
LINK_test_keys = -Wl,--wrap=clock_wall_ms,--wrap=getrandom
LINK_test_catalog_watch = -Wl,--wrap=clock_mono_ms
LINK_test_clock = -Wl,--wrap=clock_wall_ms
LINK_test_oauth_grants = -Wl,--wrap=clock_wall_ms
LINK_test_tls = -Wl,--wrap=clock_mono_ms,--wrap=RAND_bytes
LINK_test_sandbox = -Wl,--wrap=syscall,--wrap=prctl
LINK_test_queue = -Wl,--wrap=store_write_group,--wrap=clock_mono_ms,--wrap=clock_gettime
LINK_test_soql_analyze_memory = -Wl,--wrap=arena_alloc,--wrap=arena_zalloc,--wrap=arena_grow,--wrap=arena_str
LINK_test_out_of_memory = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
LINK_test_postings = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=pread
LINK_test_sql_functions_memory = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

# Random queries on SQLite and PostgreSQL (tests/differential/run).
$(OUT)/differential/differential: $(wildcard tests/differential/*.c tests/differential/*.h) tests/support/soql_world.h $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(filter %.c,$^) $(LIB) $(LIBS) -lpq -o $@

$(OUT)/fuzz/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -MMD -MP $< $(LIB) $(LIBS) -o $@

$(OUT)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $< tests/fuzz/replay.c $(LIB) $(LIBS) -o $@

# What the programs of bench/ share is linked into each of them.
$(BENCH_SHARED): $(OUT)/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(OUT)/bench/%: bench/%.c $(BENCH_SHARED) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP $< $(BENCH_SHARED) $(LIB) $(LIBS) $(BENCH_LIBS_$*) -o $@

unit: $(UNIT)
	@tools/run-unit $(UNIT)

fuzz:
	@$(MAKE) --no-print-directory MODE=fuzz fuzzers
.PHONY: fuzzers
fuzzers: $(FUZZ)

replays: $(REPLAY)

coverage:
	@$(MAKE) --no-print-directory MODE=coverage covered
.PHONY: covered
covered: $(UNIT) $(REPLAY)
	@tools/coverage $(OUT) $(UNIT) -- $(REPLAY)

# FIGURES="upsert single16" chooses; QUICK=--quick takes a tenth of the rows.
bench: all $(BENCH)
	@BUILD=$(BUILD) bench/run $(QUICK) $(FIGURES)

# PARTS="fuzz kills" chooses.
soak:
	@tools/soak $(PARTS)

layers:
	@tools/layers

lint:
	@tools/lint

check: layers unit
	@tests/wire/run

clean:
	rm -rf $(BUILD)

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
