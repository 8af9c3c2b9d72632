# SPDX-License-Identifier: Apache-2.0
# For a program that loads kernels from source files while it runs (peal::load_kernel_file,
# peal::pto_kernel): they call the library that the program links. A shared one has all that they
# call; of a static one (peal::peal, or the one named), everything is linked and exported.
function(peal_export_library program)
  set(library peal::peal)
  if(ARGC GREATER 1)
    set(library ${ARGV1})
  endif()
  set_target_properties(${program} PROPERTIES ENABLE_EXPORTS ON)
  get_target_property(type ${library} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    target_link_options(${program} PRIVATE
                        "LINKER:--whole-archive,$<TARGET_FILE:${library}>,--no-whole-archive")
  endif()
endfunction()
