// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "peal/base/source_place.h"
#include "peal/collectives/call_arguments.h"
#include "peal/collectives/registry.h"
#include "peal/collectives/scratch.h"

namespace peal {

// The key of a plan: all properties of a call that decide how it is carried out. Of the buffers,
// only lengths and types are part of the key; where they lie is in `placement`.
struct PlanKey {
  std::uint64_t word = 0;  // collective, root, types of send and recv, and placement
  std::size_t send_count = 0, recv_count = 0;
  std::string_view algorithm;  // that the caller names, or auto
  Placement placement;         // also part of `word`

  // The key of a call, of which `used` has the buffers that this rank uses.
  [[nodiscard]] static PlanKey of(const CallArguments& used, const Placement& placement) {
    const auto bits = [](auto value, int shift) {
      return static_cast<std::uint64_t>(static_cast<std::uint32_t>(value)) << shift;
    };
    return {.word = bits(used.traits.collective(), 0) | bits(used.send->dtype, 8) |
                    bits(used.recv->dtype, 16) | bits(placement.send_in_window, 24) |
                    bits(placement.recv_in_window, 25) | bits(placement.in_place, 26) |
                    bits(used.traits.root(), 32),
            .send_count = used.send->count,
            .recv_count = used.recv->count,
            .algorithm = *used.algorithm,
            .placement = placement};
  }
  bool operator==(const PlanKey& other) const {
    return word == other.word && send_count == other.send_count && recv_count == other.recv_count &&
           is_algorithm(other.algorithm);
  }
  // Most callers pass the same constant, so equal pointers usually save the comparison of the text.
  [[nodiscard]] bool is_algorithm(const std::string_view& text) const {
    return text.size() == algorithm.size() &&
           (text.data() == algorithm.data() || text == algorithm);
  }
};

// The result of step 3 of a call (collectives.cpp): how all calls with one key are carried out on a
// team. Planning checks arguments, may communicate and allocates; so it is done once, and later
// calls with the same key reuse the plan.
struct CallPlan {
  PlanKey key;
  std::size_t count = 0;  // elements of a block
  DType dtype{};
  CollectiveShape shape;
  int cuts = 0;  // chunks (one per rank) that an all-reduce's block is cut into; 0 for the others
  const Algorithm* algorithm = nullptr;
  Scratch* scratch = nullptr;
  std::size_t longest_piece = 0;  // elements
  std::size_t moved_bytes = 0;    // the size of all ranks' buffers together
  std::uint64_t weight = 0;       // estimate of a call's duration; the same on all ranks
  bool lacks_shared_cache = false;
  Staging staged;
  bool is_one_launch = false;  // one launch, directly on the caller's buffers

  // A call that was announced to the device (Device::announce), as one of the calls of this plan.
  // The plan fixes the other properties of the call; `op` and `place` vary from call to call.
  struct Announcement {
    std::uint64_t number = 0;  // what Device::announce returned
    ReduceOp op{};
    SourcePlace place;
    std::uint64_t stamp = 0;

    [[nodiscard]] bool is_of(ReduceOp operation, SourcePlace where) const {
      return op == operation && place.line == where.line && place.file == where.file;
    }
  };
  // The last few announcements, because a program makes equal calls at several source places.
  std::array<Announcement, 4> announced = {};
  std::size_t announcements = 0;

  [[nodiscard]] bool is_for(const PlanKey& wanted) const {
    return algorithm != nullptr && key == wanted;
  }
};

}  // namespace peal
