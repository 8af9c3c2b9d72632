// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "peal/collectives/registry.h"
#include "peal/machine/team.h"

namespace peal {

// Blocks of a call that are staged in windows, because an algorithm needs them there and they are
// not.
struct Staging {
  int send_blocks = 0, recv_blocks = 0;
};
[[nodiscard]] Staging staging(const Algorithm& algorithm, int ranks, const Placement& placement);

// The longest block that one launch of the algorithm takes; longer ones are sent in pieces.
[[nodiscard]] std::size_t longest_piece(const Algorithm& algorithm, int ranks, DType dtype,
                                        const Placement& placement);

// How many launches of the algorithm one call on blocks of `count` elements takes.
[[nodiscard]] std::size_t launch_count(const Algorithm& algorithm, int ranks, std::size_t count,
                                       DType dtype, const Placement& placement);

// The scratch and signals of one algorithm (and root) on one team: two halves that launches use in
// turn, so that a rank which is one launch ahead does not meet the one before.
class Scratch {
 public:
  Scratch(Team& team, const Algorithm& algorithm);

  struct Half {
    Chunks scratch;
    View send, recv;  // what is staged, all blocks of it
    SignalRow signals;
    bool reused = false;
  };
  // The half for the next launch, on blocks of `count` elements. The memory is allocated when it
  // is first needed and anew, with signals of its own, when it has become too small.
  [[nodiscard]] Half next(std::size_t count, DType dtype, const Staging& staged);

 private:
  void allocate(std::size_t half_bytes);

  Team& team_;
  const Algorithm& algorithm_;
  std::size_t blocks_;  // scratch elements for each element of a block
  int parts_;
  int signal_count_;
  Window window_;
  SignalRow signals_[2];
  std::size_t half_bytes_ = 0;
  std::uint64_t launches_ = 0;
  bool allocated_ = false;
};

// How calls of one kind are carried out on a team.
struct CallPlan {
  // What the calls have in common.
  Collective collective{};
  DType dtype{};
  Placement placement;
  int root = 0;
  std::size_t count = 0;
  std::string_view asked;  // the algorithm's name, or auto

  const Algorithm* algorithm = nullptr;
  Scratch* scratch = nullptr;
  std::size_t longest_piece = 0;
  Staging staged;

  [[nodiscard]] bool is_for(const CallPlan& other) const {
    return collective == other.collective && dtype == other.dtype && placement == other.placement &&
           root == other.root && count == other.count && asked == other.asked;
  }
};

// What the collectives keep with a team.
class CollectiveState final : public Team::State {
 public:
  // The plan for such calls, of which only what they have in common is given. The last ones are
  // remembered, so that a repeated call looks nothing up.
  [[nodiscard]] const CallPlan& plan(Team& team, const CallPlan& like);

 private:
  [[nodiscard]] CallPlan make_plan(Team& team, const CallPlan& like);
  [[nodiscard]] Scratch& scratch(Team& team, const Algorithm& algorithm, int root);

  static constexpr std::size_t plan_count = 64;
  std::map<std::pair<const Algorithm*, int>, Scratch> scratch_;
  std::array<CallPlan, plan_count> plans_;  // by a hash of what calls have in common
};

[[nodiscard]] CollectiveState& collective_state(Team& team);

}  // namespace peal
