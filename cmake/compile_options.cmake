# SPDX-License-Identifier: Apache-2.0
# What every target of the project is compiled with; nothing of it reaches a user of the library.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Otherwise ccache passes every file that uses a precompiled header on to the compiler.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
                                  CCACHE_SLOPPINESS=pch_defines,time_macros "${CCACHE}")
endif()

# With sanitizers, of x86's sets of vector instructions only the least and the two widest are
# compiled: between them there is nothing new to test, and each takes as long as the others.
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions("HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4)")
endif()

set(doubtful_warnings -Wno-array-bounds -Wno-maybe-uninitialized -Wno-stringop-overflow)
add_library(peal_compile_options INTERFACE)
target_compile_options(
  peal_compile_options
  INTERFACE -Wall
            -Wextra
            -Wconversion
            -Wshadow
            -Werror
            # g++ 12 warns of overlapping copies inside std::string (GCC bug 105651).
            $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
            # It also sees overruns that are none in what a sanitizer has instrumented. The presets
            # of type Debug have sanitizers; `release` is compiled with these warnings.
            "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Debug>>:${doubtful_warnings}>"
            # g++ would load two members at once that have just been stored one by one, which takes
            # a processor longer than a small collective's other work.
            $<$<CXX_COMPILER_ID:GNU>:-fno-tree-slp-vectorize>
            # ccache can only look into a precompiled header of g++ with it.
            $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
            # clang otherwise writes the time into a precompiled header.
            "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>"
            # Reports name source places relative to the root, the same wherever the tree is.
            "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")

# Programs and tests, whose own speed does not matter where there are sanitizers.
add_library(peal_program_options INTERFACE)
target_link_libraries(peal_program_options INTERFACE peal_compile_options)
target_compile_options(
  peal_program_options
  INTERFACE $<$<CONFIG:Debug>:-O0>
            # In what tests build of strings, it sees such overruns without sanitizers, too.
            "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:${doubtful_warnings}>")
