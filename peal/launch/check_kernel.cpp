// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/check_kernel.h"

#include <algorithm>

#include "peal/launch/kernel_run.h"
#include "peal/launch/launch.h"
#include "peal/search/check_text.h"

namespace peal {

bool CheckReport::has(FindingClass kind) const {
  return std::any_of(result.findings.begin(), result.findings.end(),
                     [kind](const CheckedFinding& found) { return found.finding.kind == kind; });
}

std::string CheckReport::text() const { return describe("", result); }

CheckReport check(const Kernel& kernel, const KernelCheck& how) {
  Platform platform = simulated_target(how.platform);
  if (how.strict) platform.switches = strict_switches(platform.switches);
  const CheckSubject subject{
      .command = {},
      .switches = platform.switches,
      .runs_kernels = how.own_process,
      .time_limit_seconds = how.time_limit_seconds,
      .run = [&](int ranks, const RunOptions& options) {
        return outcome_of(run_kernel(kernel, {.target = platform,
                                              .ranks = ranks,
                                              .calls = how.calls,
                                              .time_limit_seconds = how.time_limit_seconds,
                                              .options = options}));
      }};
  return {
      check(subject, {.ranks = how.ranks, .schedule = how.schedule, .schedules = how.schedules})};
}

}  // namespace peal
