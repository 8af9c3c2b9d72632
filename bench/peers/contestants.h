// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/peers/operation.h"

namespace peal::peers {

// The column of a table that a contestant is in: Peal with buffers in windows, Peal with private
// memory, another library, or the limit of the memory.
enum class Kind { windows, private_memory, peer, limit };

// A set of rank processes, which one or several commands start, and which live as long as the run.
struct SetSpec {
  std::string name;
  std::vector<std::vector<std::string>> commands;
  std::vector<std::string> environment;  // NAME=VALUE
};

// A contestant: one way to carry out the calls, given by a set of ranks and a variant.
struct Contestant {
  std::string name;
  Kind kind{};
  std::size_t set = 0;
  std::uint32_t variant = 0;
  std::vector<Operation> operations = {};  // empty: all

  [[nodiscard]] bool does(Operation operation) const;
};

struct Field {
  std::vector<SetSpec> sets;
  std::vector<Contestant> contestants;
};

// The ranks, programs and folder that all sets of a run share.
struct Location {
  int ranks = 2;
  int processors = 1;
  bool crowded = false;  // more ranks than processors
  std::string programs;  // folder of this program and of the ranks' programs
  std::string peal;      // path of the command `peal`
  std::string folder;    // temporary folder of the run
  [[nodiscard]] std::string socket() const { return folder + "/driver"; }
};

// All contestants whose programs are installed and whose name begins with an entry of `wanted`
// (every name, if that is empty). Throws Error for an entry that matches no contestant.
[[nodiscard]] Field choose_field(const Location& place, const std::vector<std::string>& wanted);

}  // namespace peal::peers
