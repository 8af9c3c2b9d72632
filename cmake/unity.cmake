# SPDX-License-Identifier: Apache-2.0
# Where PEAL_UNITY_BUILD is on, neighbouring sources are compiled together: most of what the
# compiler does for one is the same for the next. Their names without linkage must differ.

option(PEAL_UNITY_BUILD "Compile neighbouring sources together" OFF)

# Compiles together the sources of `target` that lie in one folder, or for BY_LETTER those whose
# names begin with one letter, at most `most` at a time; those that match a pattern of EXCEPT alone.
function(build_in_unity target most)
  cmake_parse_arguments(arg "BY_LETTER" "" "EXCEPT" ${ARGN})
  if(NOT PEAL_UNITY_BUILD)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  foreach(pattern IN LISTS arg_EXCEPT)
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  foreach(source IN LISTS sources)
    if(arg_BY_LETTER)
      cmake_path(GET source FILENAME name)
      string(SUBSTRING "${name}" 0 1 group)
    else()
      cmake_path(GET source PARENT_PATH group)
      cmake_path(RELATIVE_PATH group BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
      string(REPLACE "/" "_" group "${group}")
    endif()
    list(APPEND in_${group} "${source}")
    list(LENGTH in_${group} count)
    math(EXPR part "(${count} - 1) / ${most}")
    set_property(SOURCE "${source}" PROPERTY UNITY_GROUP "${group}_${part}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
