// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/collectives/tuning/latency_probe.h"
#include "peal/collectives/tuning/measured_choices.h"
#include "peal/machine/team.h"

namespace peal {

// This folder chooses the algorithm for `auto`: Chooser::choose() is its entry. latency_probe.h
// measures the host, measured_choices.h reads the tune file, which `peal tune` writes, and
// defaults.h has the rules where nothing was measured. Read Chooser first, then its choose().

// An algorithm, and the reason why it was chosen, as the end of a sentence after "because".
struct Choice {
  const Algorithm* algorithm = nullptr;
  std::string reason;
};

// The algorithm that the environment variable PEAL_ALGORITHM ("all_reduce=ring,broadcast=tree")
// names for the collective, or nullptr. Throws Error if its text is malformed.
[[nodiscard]] const Algorithm* forced_algorithm(Collective collective);

// Chooses algorithms for one team. Ranks that chose differently would wait for each other forever,
// so every input of a choice is the same on every rank: measurements and the tune file are rank 0's
// and are sent to all, and the environment is taken to be the same.
class Chooser {
 public:
  // Chooses the algorithm for blocks of `count` elements; all ranks call it together. The first
  // source that has an answer decides: PEAL_ALGORITHM; on a simulated team, a simulation of the
  // candidates; on a real one, the tune file, then default_algorithm(). The first choice of a real
  // team measures the host and reads the file, unless the run moves no values: then rank 0 could
  // not tell the others what it has found. Throws Error for a malformed variable or tune file.
  [[nodiscard]] Choice choose(Team& team, Collective collective, std::size_t count, DType dtype,
                              const Placement& placement);

  // True if the ranks were measured not to share a cache.
  [[nodiscard]] bool lacks_shared_cache() const { return host_.lacks_shared_cache; }
  // True if the latency was measured at all. It may change then: a hypervisor moves virtual
  // processors.
  [[nodiscard]] bool may_change() const { return line_ns_ > 0; }
  // Measures the host again; all ranks call it together.
  void measure(Team& team);

 private:
  void learn(Team& team);

  HostProbe probe_;

  bool has_learned_ = false;
  ChoiceConditions host_;
  double line_ns_ = 0;  // latency of a cache line, one way; 0 if it was not measured
  std::vector<MeasuredChoice> measured_;
};

// Rank 0 gives the choice as a note if the environment variable PEAL_LOG is `choices`. Throws
// Error, on every rank, for another value.
void log_choice(int rank, int ranks, const Choice& choice, std::size_t block_bytes,
                const Placement& placement);

}  // namespace peal
