// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peal/cases/case_flags.h"

namespace peal {

// The command line of `peal run`, as typed; absent options are empty.
struct RunRequest {
  std::string collective;
  std::string platform = "a2a3sim";
  std::string algorithm = "auto";
  std::string schedule = "virtual";
  std::string save_schedule;
  std::optional<std::string> devices, ranks, count, dtype, op, root;
  std::optional<std::string> input, output, fill, seed, repeat, json;
  std::optional<std::string> case_file, calls, time_limit;  // of a kernel
  std::vector<std::string> set;                             // NAME=EXPRESSION: values of a case
  CaseFlags flags;                                          // replace a case file
  bool no_values = false;
  bool in_process = false;  // run kernels in this process, not in a separate one
};

}  // namespace peal
