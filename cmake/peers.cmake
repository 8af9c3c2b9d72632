# SPDX-License-Identifier: Apache-2.0
# bench_peers, which compares Peal with other libraries. It is built like any other program; ranks
# of the other libraries are built by the target `peers`, as far as those are installed.

add_library(peers_rank STATIC EXCLUDE_FROM_ALL
            bench/peers/clock.cpp bench/peers/rendezvous.cpp bench/peers/memory.cpp
            bench/peers/protocol.cpp bench/peers/rank_loop.cpp bench/peers/vector_loops.cpp)
target_include_directories(peers_rank PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(peers_rank PUBLIC hwy::hwy PRIVATE peal_program_options)

add_executable(bench_peers bench/peers/contestants.cpp bench/peers/main.cpp bench/peers/race.cpp
                           bench/peers/rank_limit.cpp bench/peers/rank_peal.cpp
                           bench/peers/rank_set.cpp bench/peers/summary.cpp bench/peers/tables.cpp)
target_link_libraries(bench_peers PRIVATE peers_rank peal_static peal_cli peal_program_options)
set_target_properties(bench_peers PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${peers_folder}")

if(TARGET peal_tests)
  add_dependencies(peal_tests bench_peers)
endif()

add_custom_target(peers DEPENDS bench_peers peal_command)

function(add_peer name source)
  add_executable(rank_${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(rank_${name} PRIVATE peers_rank peal_program_options ${ARGN})
  set_target_properties(rank_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${peers_folder}")
  add_dependencies(peers rank_${name})
endfunction()

# Two of them, which FindMPI does not know: what their compilers say they would call is what counts.
foreach(mpi openmpi mpich)
  find_program(mpicxx_${mpi} mpicxx.${mpi})
  if(NOT mpicxx_${mpi})
    continue()
  endif()
  execute_process(COMMAND "${mpicxx_${mpi}}" -show OUTPUT_VARIABLE call)
  separate_arguments(words UNIX_COMMAND "${call}")
  add_peer(${mpi} bench/peers/rank_mpi.cpp)
  foreach(word IN LISTS words)
    if(word MATCHES "^-I(.*)")
      target_include_directories(rank_${mpi} SYSTEM PRIVATE "${CMAKE_MATCH_1}")
    elseif(word MATCHES "^-[lL]" AND NOT word MATCHES "cxx$")
      target_link_libraries(rank_${mpi} PRIVATE "${word}")
    endif()
  endforeach()
  target_compile_definitions(rank_${mpi} PRIVATE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
endforeach()

find_package(Gloo QUIET)
if(Gloo_FOUND)
  add_peer(gloo bench/peers/rank_gloo.cpp gloo)
endif()
