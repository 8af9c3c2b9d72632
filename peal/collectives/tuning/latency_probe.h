// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "peal/machine/signal.h"
#include "peal/machine/team.h"

namespace peal {

// What rank 0 has measured of the host; every rank has the same values.
struct ProbedHost {
  double line_ns = 0;  // latency of a cache line, one way, from rank 0 to the farthest rank
  bool is_oversubscribed = false;
};

// Measures the host for a team, any number of times.
class HostProbe {
 public:
  // Rank 0 plays ping-pong with every other rank, 8 to 36 round trips each, which takes well below
  // a millisecond. If there are more ranks than processors, line_ns stays 0. All ranks call it
  // together.
  [[nodiscard]] ProbedHost measure(Team& team);

 private:
  std::optional<SignalRow> signals_;
};

}  // namespace peal
