// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options/run_request.h"

namespace peal {

// The command line of `peal check`, as typed.
struct CheckCommandRequest {
  RunRequest run;  // `ranks` may be a list
  std::vector<std::string> only, skip;
  std::optional<std::string> schedules, events;
  bool advice = false;
  bool strict = false;
  bool mutate = false;
};

}  // namespace peal
