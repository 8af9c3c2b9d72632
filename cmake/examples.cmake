# SPDX-License-Identifier: Apache-2.0
add_custom_target(examples)

# A program that is started as the ranks of a team.
add_executable(example_sum examples/launch/sum.cpp)
set_target_properties(example_sum PROPERTIES OUTPUT_NAME sum RUNTIME_OUTPUT_DIRECTORY
                                                             "${PROJECT_BINARY_DIR}/examples")
target_link_libraries(example_sum PRIVATE peal::peal peal_program_options fmt::fmt)
add_dependencies(examples example_sum)
if(PEAL_BUILD_TESTS AND TARGET peal_command)
  foreach(ranks 1 2 4 7)
    add_test(NAME example_sum_${ranks} COMMAND peal_command launch -n ${ranks} --
                                               $<TARGET_FILE:example_sum>)
    set_tests_properties(example_sum_${ranks} PROPERTIES LABELS release)
  endforeach()
endif()

# Every examples/worker/<name>.cpp is a program examples/<name>, which ctest runs on each platform.

file(GLOB example_sources CONFIGURE_DEPENDS examples/worker/*.cpp)
foreach(source IN LISTS example_sources)
  cmake_path(GET source STEM name)
  add_executable(example_${name} ${source})
  set_target_properties(example_${name} PROPERTIES
                        OUTPUT_NAME ${name}
                        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples")
  target_include_directories(example_${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(example_${name} PRIVATE peal::peal peal_program_options fmt::fmt)
  add_dependencies(examples example_${name})
  target_compile_definitions(example_${name}
                             PRIVATE PEAL_EXAMPLES_DIR="${PROJECT_SOURCE_DIR}/examples")

  if(name MATCHES pto)
    peal_export_library(example_${name})  # it loads a kernel
  endif()
  if(PEAL_BUILD_TESTS)
    foreach(platform a2a3sim a5sim hostsim shm)
      add_test(NAME example_${name}_${platform} COMMAND example_${name} -p ${platform})
      set_tests_properties(example_${name}_${platform} PROPERTIES
                           LABELS release
                           ENVIRONMENT "PEAL_CACHE_DIR=${PROJECT_BINARY_DIR}/kernels")
      if(name MATCHES pto AND platform STREQUAL shm)
        set_tests_properties(
          example_${name}_${platform} PROPERTIES
          PASS_REGULAR_EXPRESSION "platform shm has none; use one of a2a3sim, a5sim, hostsim")
      endif()
    endforeach()
  endif()
endforeach()
