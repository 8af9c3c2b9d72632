// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peal/machine/kernel.h"
#include "peal/search/check.h"

namespace peal {

// How a kernel is checked; what is not given is the kernel's own.
struct KernelCheck {
  int ranks = 2;
  std::optional<std::int64_t> calls = {};
  std::string platform = "a2a3sim";
  std::string schedule = "virtual";  // of the first run
  int schedules = 64;                // where one run does not decide
  bool strict = false;               // assume no more of the hardware than is documented
  double time_limit_seconds = 5;     // of a kernel between two instructions of the chip
  // Each run is made in a forked process, if this one has a single thread and no debugger, so that
  // whatever the kernel does becomes a finding. What it writes to this process's memory is lost.
  bool own_process = true;
};

// What the checks say of a kernel.
struct CheckReport {
  CheckResult result;

  // Whether nothing is wrong; advice is no finding.
  [[nodiscard]] bool is_clean() const { return result.is_clean(); }
  // Whether there is a finding of this class.
  [[nodiscard]] bool has(FindingClass kind) const;
  // All findings and the verdict, as `peal check` prints them.
  [[nodiscard]] std::string text() const;
};

// Runs the kernel in the simulator under every check. Throws Error for a description that makes no
// sense; a mistake of the kernel is a finding.
[[nodiscard]] CheckReport check(const Kernel& kernel, const KernelCheck& how);

}  // namespace peal
