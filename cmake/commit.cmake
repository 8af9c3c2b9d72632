# SPDX-License-Identifier: Apache-2.0
# Sets `commit_text` to " (commit 0123456789)", or to nothing where the sources are no checkout of
# git. A new commit configures anew.

set(commit_text "")
find_package(Git QUIET)
function(ask_git result)
  execute_process(
    COMMAND "${GIT_EXECUTABLE}" -C "${PROJECT_SOURCE_DIR}" ${ARGN}
    OUTPUT_VARIABLE said
    RESULT_VARIABLE failed
    ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    set(said "")
  endif()
  set(${result} "${said}" PARENT_SCOPE)
endfunction()

# Not that of a checkout in which an unpacked release lies.
if(Git_FOUND AND EXISTS "${PROJECT_SOURCE_DIR}/.git")
  ask_git(commit rev-parse --short=10 HEAD)
  ask_git(log rev-parse --git-path logs/HEAD)
  if(commit)
    set(commit_text " (commit ${commit})")
    cmake_path(ABSOLUTE_PATH log BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
    if(EXISTS "${log}")
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${log}")
    endif()
  endif()
endif()
