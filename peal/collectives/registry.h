// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "peal/cost/closed_form.h"
#include "peal/kernels/args.h"
#include "peal/machine/collective.h"
#include "peal/machine/device.h"
#include "peal/run/platform.h"

namespace peal {

// Where the buffers of a call lie; the same on every rank.
struct Placement {
  bool send_in_window = false;
  bool recv_in_window = false;
  bool in_place = false;

  bool operator==(const Placement&) const = default;
};

// Of buffers from Team::allocate that are apart.
inline constexpr Placement in_windows{.send_in_window = true, .recv_in_window = true};

// What an algorithm asks of a caller's buffers. What does not lie as it asks is staged.
struct Needs {
  bool in_place = false;        // an all-reduce on recv, where send is copied first
  bool data_in_window = false;  // peers write to that recv, at any time
  bool send_in_window = false;  // peers read it
  bool recv_in_window = false;  // peers read or write it
  bool apart = false;           // send and recv may not be the same
  // Launches that follow one another use parts of the scratch in turn, so these lie at the same
  // places whatever the count; nothing can be staged beside them.
  bool has_slots = false;
  bool fits_packets = false;   // a block is at most Packets::max_bytes
  bool in_rank_order = false;  // it combines so

  // Whether such a call, with a block of so many bytes, needs no staging.
  [[nodiscard]] bool are_met(const Placement& placement, std::size_t block_bytes) const;
};

// An algorithm of a collective.
struct Algorithm {
  Collective collective{};
  const char* name = "";
  void (*launch)(Device& self, const KernelCall& call) = nullptr;
  Needs needs{};
  Formulas formulas{};
};

[[nodiscard]] std::span<const Algorithm> algorithms();
// The algorithm of that name; nullptr if the collective has none.
[[nodiscard]] const Algorithm* known_algorithm(Collective collective, std::string_view name);
// The same; throws Error with the list of those that the collective has.
[[nodiscard]] const Algorithm& find_algorithm(Collective collective, std::string_view name);
// What one launch of the algorithm on blocks of `count` elements does.
[[nodiscard]] AlgorithmFigures figures(const Algorithm& algorithm, int ranks, std::size_t count);

// The algorithm that the closed forms predict to be fastest for blocks of `count` elements, of
// those that need no staging for buffers that lie so.
[[nodiscard]] const Algorithm& choose_algorithm(Collective collective, int ranks, std::size_t count,
                                                DType dtype, const Placement& placement,
                                                const Platform& platform);

}  // namespace peal
