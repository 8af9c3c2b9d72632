// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "peal/machine/signal.h"
#include "peal/machine/team.h"

namespace peal {

// What rank 0 has found out about the host, told to every rank.
struct ProbedHost {
  double line_ns = 0;  // a cache line's way from rank 0 to the farthest other rank, one way
  bool is_oversubscribed = false;
};

// Finds that out for a team, as often as it is asked.
class HostProbe {
 public:
  // Rank 0 exchanges signals with every other rank, some dozen times each: well below a millisecond
  // where every rank has a processor; where not, nothing is measured. All ranks call it together.
  [[nodiscard]] ProbedHost measure(Team& team);

 private:
  std::optional<SignalRow> signals_;
};

}  // namespace peal
