// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace peal {

// The command line of `peal bench`, as typed.
struct BenchRequest {
  std::string collective;
  std::string platform = "shm";
  std::string algorithm = "auto";
  std::optional<std::string> ranks, dtype, op, root, smallest, largest, factor, iterations, count,
      json;
  std::vector<std::string> set;  // NAME=EXPRESSION: values of a kernel
};

// Measures a collective on this host for ascending sizes, and prints one row per size. Returns the
// exit code; throws Error for a request that cannot be carried out.
int bench_command(const BenchRequest& request);

}  // namespace peal
