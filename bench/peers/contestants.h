// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/peers/operation.h"

namespace peal::peers {

// Which column of a table a contestant is in.
enum class Kind { windows, private_memory, peer, limit };

// Processes that one or several commands start, and that live as long as the run.
struct SetSpec {
  std::string name;
  std::vector<std::vector<std::string>> commands;
  std::vector<std::string> environment;  // NAME=VALUE
};

// One way to make the calls: a set, and a variant of what its ranks can do.
struct Contestant {
  std::string name;
  Kind kind{};
  std::size_t set = 0;
  std::uint32_t variant = 0;
  std::vector<Operation> operations = {};  // none for all

  [[nodiscard]] bool does(Operation operation) const;
};

struct Field {
  std::vector<SetSpec> sets;
  std::vector<Contestant> contestants;
};

// Where the sets of a run meet.
struct Location {
  int ranks = 2;
  int processors = 1;
  bool crowded = false;  // more ranks than processors
  std::string programs;  // the folder of this program and the ranks'
  std::string peal;      // the command
  std::string folder;    // that is the run's own
  [[nodiscard]] std::string socket() const { return folder + "/driver"; }
};

// All contestants whose programs are there, of those whose name begins with one of `wanted` (all,
// if that is empty). Throws Error for a wanted name that fits none.
[[nodiscard]] Field choose_field(const Location& place, const std::vector<std::string>& wanted);

}  // namespace peal::peers
