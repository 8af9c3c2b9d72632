// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "peal/base/source_place.h"
#include "peal/collectives/registry.h"
#include "peal/collectives/scratch.h"

namespace peal {

// The key of a plan: all properties of a call that decide how it is carried out. Of the views, only
// lengths and types are part of the key; where they lie is in `placement`.
struct CallKind {
  Collective collective{};
  const View& send;
  const View& recv;
  Placement placement;
  int root = 0;
  const std::string_view& asked;  // the algorithm that the caller names, or auto

  // The whole key in one word, except for the lengths and `asked`.
  [[nodiscard]] std::uint64_t traits() const {
    const auto bits = [](auto value, int shift) {
      return static_cast<std::uint64_t>(static_cast<std::uint32_t>(value)) << shift;
    };
    return bits(collective, 0) | bits(send.dtype, 8) | bits(recv.dtype, 16) |
           bits(placement.send_in_window, 24) | bits(placement.recv_in_window, 25) |
           bits(placement.in_place, 26) | bits(root, 32);
  }
};

// A call that was announced to the device (Device::announce), as one of the calls of a plan. The
// plan fixes the other properties of the call; `op` and `place` vary from call to call.
struct Announcement {
  std::uint64_t number = 0;  // what Device::announce returned
  ReduceOp op{};
  SourcePlace place;
  std::uint64_t stamp = 0;

  [[nodiscard]] bool is_of(ReduceOp operation, SourcePlace where) const {
    return op == operation && place.line == where.line && place.file == where.file;
  }
};

// How all calls with one key are carried out on a team. Planning checks arguments, may communicate
// and allocates; so it is done once, and later calls with the same key reuse the plan.
struct CallPlan {
  std::uint64_t traits = 0;
  std::size_t send_count = 0, recv_count = 0;
  std::string_view asked;

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
  // The last few announcements, because a program makes equal calls at several source places.
  std::array<Announcement, 4> announced = {};
  std::size_t announcements = 0;

  [[nodiscard]] bool is_for(const CallKind& kind) const {
    return algorithm != nullptr && traits == kind.traits() && send_count == kind.send.count &&
           recv_count == kind.recv.count && is_asked(kind.asked);
  }
  // Most callers pass the same constant, so equal pointers usually save the comparison of the text.
  [[nodiscard]] bool is_asked(const std::string_view& text) const {
    return text.size() == asked.size() && (text.data() == asked.data() || text == asked);
  }
};

// The last resolved call of this rank: its arguments as the caller gave them, and what they were
// resolved to. A program that repeats one call (the common case in a loop) skips resolve_call().
// The repetition needs no announcement either: a device takes the last announced call as repeated
// until it is told of another one.
struct CachedCall {
  static constexpr std::uint64_t never = UINT64_MAX;

  const CallPlan* plan = nullptr;
  std::uint64_t traits = 0;  // see CollectiveTraits
  bool sends = false, receives = false, is_empty = false;
  View send, recv;  // empty where this rank does not send or does not receive
  SourcePlace place;
  // Team::tasks() at the time of the call, because what lies in windows may change with the task;
  // `never`, which no call matches, on a device that every call must be announced to.
  std::uint64_t task = 0;
  std::uint64_t stamp = 0;
  int root = 0;
  ReduceOp op{};
  Chunks send_blocks, recv_blocks;  // set only if the plan is one launch
};

// The collective, operation and root of a call, packed into one word for one comparison.
struct CollectiveTraits {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;
  int root = 0;

  [[nodiscard]] constexpr std::uint64_t word() const {
    return static_cast<std::uint64_t>(collective) | static_cast<std::uint64_t>(op) << 8 |
           static_cast<std::uint64_t>(static_cast<std::uint32_t>(root)) << 32;
  }
  [[nodiscard]] static constexpr CollectiveTraits of(std::uint64_t word) {
    return {static_cast<Collective>(word & 0xff), static_cast<ReduceOp>(word >> 8 & 0xff),
            static_cast<int>(word >> 32)};
  }
};

}  // namespace peal
