# SPDX-License-Identifier: Apache-2.0
# Real ranks as threads under the thread sanitizer, which sees nothing between processes. Only what
# they need is compiled for it, in whatever build tree this is, instead of the whole project.
find_package(GTest REQUIRED)

file(GLOB_RECURSE thread_sources CONFIGURE_DEPENDS
     peal/base/*.cpp peal/machine/*.cpp peal/run/*.cpp peal/kernels/*.cpp peal/cost/*.cpp
     peal/collectives/*.cpp peal/executors/shm/*.cpp peal/launch/platforms.cpp tests/thread/*.cpp)
# Devices of a worker are processes; vector loops are compiled apart.
list(FILTER thread_sources EXCLUDE REGEX "/shm/(worker/|memory/device_memory|transfer/vector)")

# The sanitizer does not see what vector instructions touch; it is told by those who call the loops.
add_library(peal_thread_vectors OBJECT peal/executors/shm/transfer/vector_copy.cpp
                                       peal/executors/shm/transfer/vector_reduce.cpp)
target_link_libraries(peal_thread_vectors PRIVATE peal_compile_options hwy::hwy)
target_include_directories(peal_thread_vectors PRIVATE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(peal_thread_vectors PRIVATE HWY_COMPILE_ONLY_STATIC)
target_compile_options(peal_thread_vectors PRIVATE -fno-sanitize=all -g1)

add_executable(
  peal_thread_tests
  ${thread_sources} tests/support/collective_case.cpp tests/support/unlike_calls.cpp
  tests/support/random_calls.cpp tests/support/window_case.cpp)
target_link_libraries(
  peal_thread_tests PRIVATE peal_thread_vectors peal_compile_options fmt::fmt hwy::hwy GTest::gtest
                            GTest::gtest_main tomlplusplus::tomlplusplus)
target_include_directories(peal_thread_tests PRIVATE "${PROJECT_SOURCE_DIR}")
set(thread_flags -fno-sanitize=all -fsanitize=thread)
# g++ does not instrument copies that it writes out by itself: all are calls, which are seen.
target_compile_options(
  peal_thread_tests PRIVATE ${thread_flags} -g1 -fno-builtin-memcpy -fno-builtin-memmove
                            -fno-builtin-memset)
target_link_options(peal_thread_tests PRIVATE ${thread_flags})
build_in_unity(peal_thread_tests 16)

add_test(NAME peal_thread_tests
         COMMAND "${PROJECT_SOURCE_DIR}/tests/thread/run.sh" $<TARGET_FILE:peal_thread_tests>)
set_tests_properties(peal_thread_tests PROPERTIES ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1")
