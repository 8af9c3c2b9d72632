// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/source_place.h"
#include "peal/machine/signal.h"

namespace peal {

// A core at a deadlock: finished, waiting for a signal, or for something else of its chip.
struct StandingCore {
  int rank = 0;
  int core = 0;
  bool is_finished = false;
  bool waits_for_signal = false;
  bool looks_at_word = false;  // in a loop, that nothing ends
  bool polls = false;          // in vain, for ever; the others of the run may have more to do
  std::string what;            // "waits for ..."
  std::string signal = {};     // that it waits for, by its name
  std::string file;            // where
  std::uint32_t line = 0;
  std::uint64_t cell = 0;  // its address
  WaitCmp cmp{};
  std::uint32_t wanted = 0, held = 0;
};

// What is said of a wait for the next arrivals of a signal.
[[nodiscard]] std::string describe_wait(int arrivals, const std::string& signal, int missing);

// What is said when these cores, of so many ranks, stand still; no more than `max_lines` of them
// have a line.
[[nodiscard]] std::string describe_deadlock(const std::vector<StandingCore>& cores, int ranks,
                                            std::size_t max_lines = 32);

// Ends a run in which cores wait and nobody can wake them.
class Deadlock : public RunError {
 public:
  Deadlock(const std::string& text, std::vector<StandingCore> cores, std::string why = {})
      : RunError(text), cores_(std::move(cores)), why_(std::move(why)) {}
  [[nodiscard]] const std::vector<StandingCore>& cores() const { return cores_; }
  // What the ranks have done wrong, as a sentence, where it is known.
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  std::vector<StandingCore> cores_;
  std::string why_;
};

}  // namespace peal
