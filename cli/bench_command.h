// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace peal {

// What was asked of `peal bench`, as it was typed.
struct BenchRequest {
  std::string collective;
  std::string platform = "shm";
  std::string algorithm = "auto";
  std::optional<std::string> ranks, dtype, op, root, smallest, largest, factor, iterations, json;
};

// Measures a collective on this host, size after size, and prints a row for each; returns the exit
// code.
int bench_command(const BenchRequest& request);

}  // namespace peal
