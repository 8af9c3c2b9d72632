# SPDX-License-Identifier: Apache-2.0
# For a program that loads kernels from source files while it runs (peal::load_kernel_file,
# peal::pto_kernel): they call the library that is linked into the program, so all of it is linked
# and its symbols are exported. The program links peal::peal besides.
function(peal_export_library program)
  set_target_properties(${program} PROPERTIES ENABLE_EXPORTS ON)
  target_link_options(${program} PRIVATE
                      "LINKER:--whole-archive,$<TARGET_FILE:peal::peal>,--no-whole-archive")
endfunction()
