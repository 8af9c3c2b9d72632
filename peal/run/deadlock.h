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

// The state of a core at a deadlock: finished, or what it waits for.
struct StandingCore {
  int rank = 0;
  int core = 0;
  bool is_finished = false;
  bool waits_for_signal = false;
  bool looks_at_word = false;  // in a polling loop that no value ends
  bool polls = false;          // polls for ever; other cores may still have work
  std::string what;            // "waits for ..."
  std::string signal = {};     // name of the signal or word that it waits for
  std::string file;            // source place of the wait
  std::uint32_t line = 0;
  std::uint64_t cell = 0;  // address of the signal or word
  WaitCmp cmp{};
  std::uint32_t wanted = 0, held = 0;
};

// The text for a wait for `arrivals` arrivals at a signal, `missing` of which have not come.
[[nodiscard]] std::string describe_wait(int arrivals, const std::string& signal, int missing);

// The report of a deadlock among `ranks` ranks: a headline, and a line for each of the first
// `max_lines` cores.
[[nodiscard]] std::string describe_deadlock(const std::vector<StandingCore>& cores, int ranks,
                                            std::size_t max_lines = 32);

// Thrown when a run cannot go on: cores wait and nobody can wake them.
class Deadlock : public RunError {
 public:
  Deadlock(const std::string& text, std::vector<StandingCore> cores, std::string why = {})
      : RunError(text), cores_(std::move(cores)), why_(std::move(why)) {}
  [[nodiscard]] const std::vector<StandingCore>& cores() const { return cores_; }
  // The mistake that caused it, as a sentence; empty if unknown.
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  std::vector<StandingCore> cores_;
  std::string why_;
};

}  // namespace peal
