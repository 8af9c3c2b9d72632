# SPDX-License-Identifier: Apache-2.0
# Every bench/<name>.cpp is an executable bench_<name>; the target `benches` builds them all.

add_custom_target(benches)
file(GLOB bench_sources CONFIGURE_DEPENDS bench/*.cpp)
if(NOT bench_sources)
  return()
endif()
find_package(benchmark)
if(NOT benchmark_FOUND)
  return()
endif()
foreach(source IN LISTS bench_sources)
  cmake_path(GET source STEM name)
  add_executable(bench_${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(bench_${name} PRIVATE peal_static $<TARGET_NAME_IF_EXISTS:peal_cli>
                                              peal_compile_options benchmark::benchmark)
  add_dependencies(benches bench_${name})
endforeach()
