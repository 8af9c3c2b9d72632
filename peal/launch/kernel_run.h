// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/launch/case_run.h"
#include "peal/machine/kernel.h"

namespace peal {

// Whether a source is to be taken for a Peal kernel: one of PTO speaks of kernel_entry.
[[nodiscard]] bool is_kernel_file(const std::string& path);

// The kernel that the source defines with peal_kernel(): compiled into the cache of kernels and
// loaded into this program, which has to export Peal's symbols (CMake:
// peal_export_library). The code stays loaded as long as a copy of the kernel lives, and so
// do the file names in its events. Throws Error with the compiler's messages, or when nothing
// defines peal_kernel().
[[nodiscard]] Kernel load_kernel_file(const std::string& path);

// Runs the kernel on simulated ranks: all calls back to back on the same windows, without a barrier
// between them. A rank writes its inputs (and poison into its outputs) before each call and reads
// its outputs after it; both are accesses that the readers of the run see. Throws Error for a
// description that makes no sense, RunError for a mistake of the kernel that ends the run.
[[nodiscard]] CaseRunResult run_kernel(const Kernel& kernel, const CaseRunRequest& request);

}  // namespace peal
