// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands/bench_command.h"

namespace peal {

// Whether what is to be measured is a kernel's source and not the name of a collective.
[[nodiscard]] bool names_kernel(const BenchRequest& request);

// Measures calls of a Peal kernel on this host, compares the results of each with what the kernel
// expects, and prints what came of it; returns the exit code.
[[nodiscard]] int kernel_bench(const BenchRequest& request);

}  // namespace peal
