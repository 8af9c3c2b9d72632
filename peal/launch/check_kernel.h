// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peal/base/api.h"
#include "peal/machine/kernel.h"
#include "peal/search/check.h"

namespace PEAL_API peal {

// How a kernel is checked. Without `calls`, the kernel's own number of calls is made.
struct KernelCheck {
  int ranks = 2;
  std::optional<std::int64_t> calls = {};
  std::string platform = "a2a3sim";
  std::string schedule = "virtual";  // of the first run
  int schedules = 64;                // further runs, if the first alone does not decide
  bool strict = false;               // rely on documented guarantees of the hardware only
  double time_limit_seconds = 5;     // processor time between two instructions of the chip
  // Makes each run in a forked process, so that whatever the kernel does becomes a finding, if this
  // process has a single thread and no debugger. Its writes to this process's memory are lost.
  bool own_process = true;
};

// The result of a check.
struct CheckReport {
  CheckResult result;

  // True without findings; advice does not count as one.
  [[nodiscard]] bool is_clean() const { return result.is_clean(); }
  // True if there is a finding of this class.
  [[nodiscard]] bool has(FindingClass kind) const;
  // All findings and the verdict, as `peal check` prints them.
  [[nodiscard]] std::string text() const;
};

// Runs the kernel in the simulator under every check. Throws Error for an invalid description; a
// mistake of the kernel becomes a finding.
[[nodiscard]] CheckReport check(const Kernel& kernel, const KernelCheck& how);

}  // namespace peal
