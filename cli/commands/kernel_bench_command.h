// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands/bench_command.h"

namespace peal {

// True if the request names a kernel's source file rather than a collective.
[[nodiscard]] bool names_kernel(const BenchRequest& request);

// Measures calls of a Peal kernel on this host, compares each result with what the kernel's
// description expects, and prints the times. Returns the exit code.
[[nodiscard]] int kernel_bench(const BenchRequest& request);

}  // namespace peal
