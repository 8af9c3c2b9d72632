// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "peal/launch/case_run.h"
#include "peal/search/check.h"

namespace peal {

// A program of tests/random_programs, with what the model there expects of it.
struct RandomProgram {
  struct Expected {
    std::string kind;
    std::vector<int> lines;  // each once, ascending
    bool operator==(const Expected&) const = default;
  };

  std::string source;  // a path
  int number = 0;      // within the source
  int ranks = 1;
  int calls = 1;
  std::vector<Expected> allowed;                 // none: the program is right
  std::vector<std::vector<std::size_t>> needed;  // of each group one has to be found
  std::vector<int> stuck;                        // the lines at which it stands still
  bool is_uncertain = false;                     // anything else may be found in it, too
  std::vector<std::string> outputs;              // of a right program: a checksum each
  std::function<CaseRunResult(const RunOptions&)> run;

  [[nodiscard]] bool is_right() const { return allowed.empty(); }
  [[nodiscard]] bool has_to_deadlock() const;
  [[nodiscard]] bool may_deadlock() const;
};

enum class RandomKind { pto, verbs };

// The programs of one generated source, which is written into the build folder and compiled.
[[nodiscard]] std::vector<RandomProgram> random_programs(RandomKind kind, int source);

// Checks the program, and runs it under so many random schedules. A sentence for each thing in
// which the checker, the simulator and the model do not agree.
[[nodiscard]] std::vector<std::string> disagreements(const RandomProgram& program, int schedules);

}  // namespace peal
