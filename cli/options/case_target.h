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

// A kernel of one's own that was named on the command line: one of Peal, or of PTO with its case.
struct CaseTarget {
  std::string path;  // of the Peal kernel's source or of the case
  std::optional<Kernel> kernel;
  std::optional<CaseFile> file;
  std::vector<int> ranks;  // on which it runs if nothing else is said
  CaseRunRequest request;  // with what was typed, but for ranks

  [[nodiscard]] CaseRunResult run(const CaseRunRequest& with) const {
    if (!kernel) return run_case(*file, with);
    return runs_for_real() ? run_kernel_for_real(*kernel, with).result : run_kernel(*kernel, with);
  }
  // Whether its ranks are processes of this host.
  [[nodiscard]] bool runs_for_real() const {
    return kernel.has_value() && !is_simulated(request.platform);
  }
};

// Whether what is to be run is a kernel (a source file, a case file or a folder that holds
// case.toml) and not the name of a collective.
[[nodiscard]] bool names_case(const RunRequest& request);

// The number that --calls asks for; nothing where it was not given.
[[nodiscard]] std::optional<std::int64_t> parse_calls(const RunRequest& request);

// Reads or compiles it. Throws Error for what is missing or makes no sense.
[[nodiscard]] CaseTarget find_case_target(const RunRequest& request);

// The files that the run reads, but for those that its sources include.
[[nodiscard]] std::vector<NamedFile> inputs_of(const RunRequest& request, const CaseTarget& target);

}  // namespace peal
