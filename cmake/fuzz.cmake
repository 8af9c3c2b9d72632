# SPDX-License-Identifier: Apache-2.0
# One program with libFuzzer for all parsers of tests/fuzz (see `make fuzz`); clang alone has it.

file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*.cpp)
add_executable(peal_fuzz ${fuzz_sources})
target_link_libraries(peal_fuzz PRIVATE peal_static peal_cli peal_program_options)
target_link_options(peal_fuzz PRIVATE -fsanitize=fuzzer)
target_compile_definitions(peal_fuzz PRIVATE PEAL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
