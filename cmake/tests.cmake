# SPDX-License-Identifier: Apache-2.0
# All tests are one executable, which ctest runs as shards.

# They lie as the sources do that they test: peal/checks/memory/access_history.cpp is tested by
# tests/checks/memory/access_history_test.cpp. tests/project holds those of the project as a whole.
file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS tests/*_test.cpp tests/support/*.cpp
     examples/googletest/*.cpp)
list(FILTER test_sources EXCLUDE REGEX "/tests/thread/")
if(NOT test_sources)
  return()
endif()
find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)

string(TOUPPER "${CMAKE_BUILD_TYPE}" configuration)
set_property(SOURCE tests/project/install_test.cpp APPEND PROPERTY COMPILE_DEFINITIONS
             "PEAL_COMPILE_FLAGS=\"${CMAKE_CXX_FLAGS_${configuration}}\"")

# An exhaustive search, which as it is debugged takes a minute.
set_source_files_properties(tests/support/small_programs.cpp
                            PROPERTIES COMPILE_OPTIONS "-O2" SKIP_PRECOMPILE_HEADERS ON)

# An executable of tests, with all that they need.
function(add_test_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(
    ${name} PRIVATE peal_static $<TARGET_NAME_IF_EXISTS:peal_cli> peal_program_options
                    nlohmann_json::nlohmann_json GTest::gtest GTest::gtest_main rapidcheck
                    rapidcheck_gtest tomlplusplus::tomlplusplus)
  peal_export_library(${name} peal_static)
  target_compile_definitions(${name} PRIVATE $<$<CONFIG:Release>:PEAL_TESTS_TAKE_ALL>)
  # What tests do themselves is looked at by the address sanitizer alone, which halves the time.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-fno-sanitize=undefined>)
  target_compile_definitions(${name} PRIVATE PEAL_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             PEAL_BINARY="${PROJECT_BINARY_DIR}/peal"
                                             PEAL_BINARY_FOLDER="${PROJECT_BINARY_DIR}"
                                             PEAL_BENCH_PEERS="${peers_folder}/bench_peers")
  target_precompile_headers(${name} PRIVATE cmake/precompiled.h <gtest/gtest.h>)
  build_in_unity(${name} 5 BY_LETTER)
  if(TARGET peal_command)
    add_dependencies(${name} peal_command)
  endif()
endfunction()

# Has ctest run a program's tests in so many shards, which are tests <program>_0, _1, ... of it, or
# <program>_<label>_0, ... with a label.
function(add_shards program shards filter)
  math(EXPR last_shard "${shards} - 1")
  foreach(shard RANGE ${last_shard})
    string(JOIN "_" name ${program} ${ARGN} ${shard})
    add_test(NAME ${name} COMMAND ${program} --gtest_filter=${filter})
    set(environment "GTEST_TOTAL_SHARDS=${shards}" "GTEST_SHARD_INDEX=${shard}"
                    "PEAL_CACHE_DIR=${PROJECT_BINARY_DIR}/kernels")
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}" LABELS "${ARGN}")
  endforeach()
endfunction()

# What simulates every algorithm with all numbers of ranks, which takes half an hour in `dev`.
set(long_in_release LongAlgorithms*:LongSameBytes.OfEveryAlgorithm*)

add_test_program(peal_tests ${test_sources} tests/fuzz/parsers.cpp)
add_shards(peal_tests 8 -Long*)

# What users run: real ranks and kernels as they are optimised, with vectors and no sanitizer; and
# the installation (`make test-release`).
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(release_test_sources ${test_sources})
  set(release_folders "/tests/(executors/shm|collectives|machine|support)/")
  set(release_files "/(install|same_bytes|worker_collectives)_test")
  list(FILTER release_test_sources INCLUDE REGEX "${release_folders}|${release_files}")
  add_test_program(peal_release_tests ${release_test_sources})
  set_target_properties(peal_release_tests PROPERTIES EXCLUDE_FROM_ALL ON)
  add_shards(peal_release_tests 2 -${long_in_release} release)
  add_shards(peal_release_tests 2 ${long_in_release} release-long)
endif()

# What takes too long for every change (`make test-long`).
add_shards(peal_tests 16 Long*:-${long_in_release} long)

include(thread_sanitizer)
