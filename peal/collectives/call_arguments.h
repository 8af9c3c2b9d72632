// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "peal/base/source_place.h"
#include "peal/machine/collective.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/view.h"

namespace peal {

// The collective, operation and root of a call, packed into one word for one comparison.
class CallTraits {
 public:
  constexpr CallTraits() = default;
  constexpr explicit CallTraits(Collective collective, ReduceOp op = ReduceOp::sum, int root = 0)
      : word_(static_cast<std::uint64_t>(collective) | static_cast<std::uint64_t>(op) << 8 |
              static_cast<std::uint64_t>(static_cast<std::uint32_t>(root)) << 32) {}

  [[nodiscard]] constexpr Collective collective() const {
    return static_cast<Collective>(word_ & 0xff);
  }
  [[nodiscard]] constexpr ReduceOp op() const { return static_cast<ReduceOp>(word_ >> 8 & 0xff); }
  [[nodiscard]] constexpr int root() const { return static_cast<int>(word_ >> 32); }

  bool operator==(const CallTraits&) const = default;

 private:
  std::uint64_t word_ = 0;
};

// What stands for a buffer that a rank does not use.
inline constexpr ConstView no_send;
inline constexpr View no_recv;

// Step 1 of a call (collectives.cpp): the arguments as the caller gave them, in one type for all
// collectives. They stay in the caller's struct (AllReduce, Broadcast, ...) and are not copied,
// because a load that spans several recent smaller stores cannot be forwarded from the store
// buffer: it waits until they have reached the cache, and that takes longer than a small
// collective.
struct CallArguments {
  CallTraits traits;
  const ConstView* send = &no_send;
  const View* recv = &no_recv;
  const std::string_view* algorithm = &auto_algorithm;
  const SourcePlace* place = &outside_of_kernels;

  [[nodiscard]] bool does_send(int rank) const {
    return sends(traits.collective(), rank, traits.root());
  }
  [[nodiscard]] bool does_receive(int rank) const {
    return receives(traits.collective(), rank, traits.root());
  }
  // The same call without the buffers that this rank does not use.
  [[nodiscard]] CallArguments used_by(int rank) const {
    CallArguments used = *this;
    if (!does_send(rank)) used.send = &no_send;
    if (!does_receive(rank)) used.recv = &no_recv;
    return used;
  }
};

// Checks one rank's arguments of a call and returns the number of elements of a block. Throws
// Error, with the values, for a root outside the team, types or lengths of send and recv that do
// not match, and a send and a recv that overlap without being in place.
[[nodiscard]] std::size_t check_arguments(const CallArguments& call, int rank, int ranks);

}  // namespace peal
