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

// Where the buffers of a call lie. All ranks have the same Placement for the same call, because the
// choice of the algorithm and of what is staged depends on it. A window is memory that peers can
// address.
struct Placement {
  bool send_in_window = false;
  bool recv_in_window = false;
  bool in_place = false;

  bool operator==(const Placement&) const = default;
};

// The placement of two distinct buffers from Team::allocate.
inline constexpr Placement in_windows{.send_in_window = true, .recv_in_window = true};

// What an algorithm requires of the caller's buffers. A buffer that does not meet a requirement is
// staged: copied to or from scratch memory that meets it.
struct Needs {
  bool in_place = false;        // the kernel works on recv alone; send is copied there first
  bool data_in_window = false;  // peers write recv without an address exchange: always staged
  bool send_in_window = false;  // peers read send
  bool recv_in_window = false;  // peers read or write recv
  bool apart = false;           // send and recv must be distinct
  // Consecutive launches use the parts of the scratch in turn, as slots of a ring buffer. The slots
  // have a fixed stride, whatever the count, and take the whole half, so nothing is staged there.
  bool has_slots = false;
  bool fits_packets = false;   // a block has at most Packets::max_bytes
  bool in_rank_order = false;  // reduces in rank order, so the result has the same bits everywhere

  // True if a call with this placement and block size needs no staging.
  [[nodiscard]] bool are_met(const Placement& placement, std::size_t block_bytes) const;
};

// An algorithm of a collective: its kernel, what the kernel requires, and its cost formulas.
struct Algorithm {
  Collective collective{};
  const char* name = "";
  void (*launch)(Device& self, const KernelCall& call) = nullptr;
  Needs needs{};
  Formulas formulas{};
};

// All algorithms of all collectives.
[[nodiscard]] std::span<const Algorithm> algorithms();
// The algorithm with that name; nullptr if the collective has none.
[[nodiscard]] const Algorithm* known_algorithm(Collective collective, std::string_view name);
// The algorithm with that name; throws Error, which lists the collective's algorithms, if it has
// none.
[[nodiscard]] const Algorithm& find_algorithm(Collective collective, std::string_view name);
// The cost formulas evaluated for one launch on blocks of `count` elements.
[[nodiscard]] AlgorithmFigures figures(const Algorithm& algorithm, int ranks, std::size_t count);

// Of the algorithms that need no staging for this placement, the one that the closed forms predict
// to be fastest for blocks of `count` elements.
[[nodiscard]] const Algorithm& choose_algorithm(Collective collective, int ranks, std::size_t count,
                                                DType dtype, const Placement& placement,
                                                const Platform& platform);

}  // namespace peal
