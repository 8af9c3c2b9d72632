// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "peal/base/api.h"
#include "peal/launch/case_run.h"
#include "peal/machine/kernel.h"

namespace PEAL_API peal {

// Compiles the source, loads it into this program and returns the kernel that its peal_kernel()
// defines. A program with a static Peal has to export its symbols (CMake: peal_export_library). The
// code, and the file names in its events, stay loaded while a copy of the kernel lives. Throws
// Error with the compiler's messages, or if the source does not define peal_kernel(). A loader of
// another language or file format has to return such a Kernel, which run_kernel(),
// run_kernel_for_real() and check() take.
[[nodiscard]] Kernel load_kernel_file(const std::string& path);

// The same, or nothing if the source defines the kernel_entry of a PTO kernel instead (see
// kernel_language.h). Throws Error if it defines neither.
[[nodiscard]] std::optional<Kernel> load_if_peal_kernel(const std::string& path);

// Runs the kernel on simulated ranks: all calls back to back on the same windows, without a barrier
// between them. A rank writes its inputs (and poison to its outputs) before each call and reads its
// outputs after it. The run's readers see these as accesses, except for the poison. Throws Error
// for an invalid description, RunError for a mistake of the kernel.
[[nodiscard]] CaseRunResult run_kernel(const Kernel& kernel, const CaseRunRequest& request);

}  // namespace peal
