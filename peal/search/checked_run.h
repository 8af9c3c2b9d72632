// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/checks/checker.h"
#include "peal/run/run.h"
#include "peal/search/check.h"
#include "peal/search/one_run.h"

namespace peal {

// One run of the subject among those of a check.
struct Plan {
  std::string schedule;
  Looks looks = {};
  // A run like it that nothing was wrong with, to hold its outputs against.
  const OneRun* like = nullptr;
  std::vector<LookRecord> asked = {};  // looks of which more is to be shown
  // Loops that have ended with their first look, and would not have with something else.
  std::vector<LookRecord> short_loops = {};
  bool is_late = false;     // so that one who looks for ever has missed a value
  bool ends_alone = false;  // not all loops are known, and so findings may only look like some
  Checker::Memory memory = Checker::Memory::bounded;
  bool is_first = false;     // its schedule is saved
  bool has_readers = false;  // those of the request
};

// Runs the subject as planned and checks the run: in a process of its own where the kernels are not
// Peal's, unless this one has to see its events.
[[nodiscard]] OneRun run_apart(const CheckSubject& subject, const CheckRequest& request,
                               const Plan& plan);

}  // namespace peal
