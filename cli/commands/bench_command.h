// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace peal {

// What was asked of `peal bench`, as it was typed.
struct BenchRequest {
  std::string collective;
  std::string platform = "shm";
  std::string algorithm = "auto";
  std::optional<std::string> ranks, dtype, op, root, smallest, largest, factor, iterations, count,
      json;
  std::vector<std::string> set;  // NAME=EXPRESSION, of a kernel
};

// Measures a collective on this host, size after size, and prints a row for each; returns the exit
// code.
int bench_command(const BenchRequest& request);

}  // namespace peal
