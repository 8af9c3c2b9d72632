// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peal/machine/kernel.h"
#include "peal/tools/call_times.h"

namespace peal {

// What was measured of a kernel's calls on this host.
struct KernelTimes {
  CallTimes calls;                      // the slowest rank's time of each, sorted
  bool compared = false;                // whether the kernel says what to expect
  std::optional<std::string> mismatch;  // the first element that is wrong

  // "PASS", "DONE" where nothing is expected, or "FAIL".
  [[nodiscard]] const char* verdict() const {
    if (mismatch) return "FAIL";
    return compared ? "PASS" : "DONE";
  }
};

// Measures that many calls (a usual number without) of a Peal kernel on ranks that are processes of
// this host, compares the results of each with what the kernel expects, and ends at the first run
// with a wrong one. Throws as run_kernel_for_real() does.
[[nodiscard]] KernelTimes measure_kernel(const Kernel& kernel, int ranks,
                                         std::optional<std::int64_t> iterations);

}  // namespace peal
