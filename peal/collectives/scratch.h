// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>

#include "peal/collectives/registry.h"
#include "peal/machine/team.h"

namespace peal {

// The longest block that one launch of the algorithm takes; longer ones are sent in pieces.
[[nodiscard]] std::size_t longest_piece(const Algorithm& algorithm, int ranks, DType dtype);

// How many launches of the algorithm one call on blocks of `count` elements takes.
[[nodiscard]] std::size_t launch_count(const Algorithm& algorithm, int ranks, std::size_t count,
                                       DType dtype);

// The scratch and signals of one algorithm (and root) on one team: two halves that launches use in
// turn, so that a rank which is one launch ahead does not meet the one before.
class Scratch {
 public:
  Scratch(Team& team, const Algorithm& algorithm);

  struct Half {
    Chunks scratch;
    View data;  // for algorithms whose data lies in the window
    SignalRow signals;
    bool reused = false;
  };
  // The half for the next launch, on blocks of `count` elements. The memory is allocated when it
  // is first needed and anew, with signals of its own, when it has become too small.
  [[nodiscard]] Half next(std::size_t count, DType dtype);

  // As the function of that name, without evaluating the algorithm's formulas again.
  [[nodiscard]] std::size_t longest_piece(DType dtype) const;

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

// What the collectives keep with a team.
class CollectiveState final : public Team::State {
 public:
  [[nodiscard]] Scratch& scratch(Team& team, const Algorithm& algorithm, int root);
  // The predicted fastest algorithm; remembered from call to call.
  [[nodiscard]] const Algorithm& choose(Team& team, Collective collective, std::size_t count,
                                        DType dtype);

 private:
  std::map<std::pair<const Algorithm*, int>, Scratch> scratch_;
  std::map<std::tuple<Collective, std::size_t, DType>, const Algorithm*> choices_;
};

[[nodiscard]] CollectiveState& collective_state(Team& team);

}  // namespace peal
