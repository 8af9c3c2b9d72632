# SPDX-License-Identifier: Apache-2.0
JOBS ?= $(shell nproc)
sources = git ls-files '*.h' '*.hpp' '*.cpp'

.PHONY: run test test-release test-long memcheck fuzz bench bench-peers format check-format clean dependencies build-dev build-release
.SECONDARY:

run: build-release
	build/release/peal run all_reduce -a ring -p a2a3sim -d 0-3

test: build-dev
	ctest --preset dev -j $(JOBS) --output-on-failure

# What users run: the release build, its tests of real ranks and kernels, the programs of README,
# and an installation with a program elsewhere that links it.
test-release: build-release
	cmake --build --preset release -j $(JOBS) --target peal_release_tests
	ctest --preset release -j $(JOBS) --output-on-failure

# What takes too long for every change: the tests whose names begin with `Long`, memcheck and the
# fuzzer; and that the benchmarks still build.
test-long: build-dev build-release
	ctest --preset long -j $(JOBS) --output-on-failure
	cmake --build --preset release -j $(JOBS) --target peal_release_tests
	ctest --preset release-long -j $(JOBS) --output-on-failure
	cmake --build --preset dev -j $(JOBS) --target benches
	scripts/compile-for-aarch64.sh $(JOBS)
	scripts/clang-tidy.sh $(JOBS)
	$(MAKE) memcheck
	$(MAKE) fuzz FUZZ_OPTIONS=-runs=1000000

# Values that nobody has written, which the address sanitizer does not see.
memcheck: build-release
	@scripts/install-dependencies.sh valgrind
	scripts/memcheck.sh build/release/peal $(RANKS)

FUZZ_OPTIONS ?= -max_total_time=60
fuzz:
	@scripts/install-dependencies.sh clang libclang-rt-14-dev
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS) --target peal_fuzz
	scripts/fuzz.sh build/fuzz/peal_fuzz $(FUZZ_OPTIONS)

bench: build-release
	cmake --build --preset release -j $(JOBS) --target benches
	@for bench in build/release/bench_*; do [ ! -x $$bench ] || $$bench || exit 1; done

bench-peers: dependencies
	@scripts/install-dependencies.sh libopenmpi-dev openmpi-bin libmpich-dev mpich libgloo-dev
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target peers
	build/release/peers/bench_peers $(PEERS_OPTIONS)

format:
	@scripts/install-dependencies.sh clang-format
	$(sources) | xargs clang-format -i

check-format:
	@scripts/install-dependencies.sh clang-format
	$(sources) | xargs clang-format --dry-run --Werror

clean:
	rm -rf build

dependencies:
	@scripts/install-dependencies.sh

build-dev: build/dev/configured
	cmake --build --preset dev -j $(JOBS)

# Not the tests, which take longer to compile than everything else.
build-release: build/release/configured
	cmake --build --preset release -j $(JOBS) --target peal_command examples

# Ninja configures again by itself when a CMake file changes, but not when the presets do.
build/%/configured: CMakePresets.json | dependencies
	cmake --preset $*
	@touch $@
