// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/run_request.h"
#include "peal/cases/case_file.h"
#include "peal/launch/case_run.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/launch.h"
#include "peal/launch/real_kernel_run.h"
#include "peal/machine/kernel.h"
#include "peal/tools/files/output_file.h"

namespace peal {

// A user's kernel that is named on the command line: a Peal kernel, or a PTO kernel with its case.
// Exactly one of `kernel` and `file` is set.
struct CaseTarget {
  std::string path;  // path of the Peal kernel's source, or of the case file
  std::optional<Kernel> kernel;
  std::optional<CaseFile> file;
  std::vector<int> ranks;  // numbers of ranks to run on by default
  CaseRunRequest request;  // the options as typed, except for ranks

  [[nodiscard]] CaseRunResult run(const CaseRunRequest& with) const {
    if (!kernel) return run_case(*file, with);
    return runs_for_real() ? run_kernel_for_real(*kernel, with).result : run_kernel(*kernel, with);
  }
  // True if its ranks are processes of this host, false if they are simulated.
  [[nodiscard]] bool runs_for_real() const {
    return kernel.has_value() && !is_simulated(request.platform);
  }
};

// True if the request names a kernel (a source file, a case file or a folder with case.toml) rather
// than a collective.
[[nodiscard]] bool names_case(const RunRequest& request);

// The value of --calls, if it was given.
[[nodiscard]] std::optional<std::int64_t> parse_calls(const RunRequest& request);

// Reads the case, or compiles and loads the Peal kernel. Throws Error for a missing or invalid
// target.
[[nodiscard]] CaseTarget find_case_target(const RunRequest& request);

// The files that the run reads, except for those that its sources include.
[[nodiscard]] std::vector<NamedFile> inputs_of(const RunRequest& request, const CaseTarget& target);

}  // namespace peal
