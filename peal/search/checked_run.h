// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/checks/checker.h"
#include "peal/run/run.h"
#include "peal/search/check.h"
#include "peal/search/one_run.h"

namespace peal {

// How to make one of the runs of a check.
struct Plan {
  std::string schedule;
  Looks looks = {};  // how the run answers looks at polled words
  // A run whose outputs this one's are compared with; null: none. Not owned.
  const OneRun* like = nullptr;
  std::vector<LookRecord> asked = {};        // loops known from another run (Checker::ask_for)
  std::vector<LookRecord> short_loops = {};  // loops that end with their first look, likewise
  bool is_late = false;     // looks are answered late: a loop that never ends has missed its value
  bool ends_alone = false;  // report only what ended the run: without all loops, races may be false
  Checker::Memory memory = Checker::Memory::bounded;
  bool is_first = false;     // saves its schedule, if requested
  bool has_readers = false;  // passes its events to the readers of the request
};

// Makes the planned run and checks it. It is made in a process of its own if the kernels are not
// Peal's, unless readers in this process need its events or this process cannot fork (can_watch).
[[nodiscard]] OneRun run_apart(const CheckSubject& subject, const CheckRequest& request,
                               const Plan& plan);

}  // namespace peal
