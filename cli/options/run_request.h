// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peal/cases/case_flags.h"

namespace peal {

// What was typed after `peal run`, as it was typed; nothing where an option was not given.
struct RunRequest {
  std::string collective;
  std::string platform = "a2a3sim";
  std::string algorithm = "auto";
  std::string schedule = "virtual";
  std::string save_schedule;
  std::optional<std::string> devices, ranks, count, dtype, op, root;
  std::optional<std::string> input, output, fill, seed, repeat, json;
  std::optional<std::string> case_file, calls, time_limit;  // of a kernel
  std::vector<std::string> set;                             // NAME=EXPRESSION, of a case
  CaseFlags flags;                                          // instead of a case file
  bool no_values = false;
  bool in_process = false;  // kernels run in this process, not in one of their own
};

}  // namespace peal
