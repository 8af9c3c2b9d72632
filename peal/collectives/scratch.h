// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "peal/base/source_place.h"
#include "peal/collectives/registry.h"
#include "peal/collectives/tuning/chooser.h"
#include "peal/machine/calls/call_record.h"
#include "peal/machine/team.h"

namespace peal {

// How many blocks of send and recv are staged, because the algorithm needs them in a window (or
// apart from each other) and the caller's buffers are not. Both are 0 if nothing is staged.
struct Staging {
  int send_blocks = 0, recv_blocks = 0;

  bool operator==(const Staging&) const = default;
};
// What a call of the algorithm with this placement has to stage.
[[nodiscard]] Staging staging(const Algorithm& algorithm, int ranks, const Placement& placement);

// The longest block, in elements, that one launch of the algorithm handles. It is bounded by the
// platform's size of a half of the scratch, or by the size of a packet. A call on longer blocks
// takes several launches, one per piece.
[[nodiscard]] std::size_t longest_piece(const Algorithm& algorithm, int ranks, DType dtype,
                                        const Placement& placement, const Platform& platform);

// The number of launches that one call on blocks of `count` elements takes.
[[nodiscard]] std::size_t launch_count(const Algorithm& algorithm, int ranks, std::size_t count,
                                       DType dtype, const Placement& placement,
                                       const Platform& platform);

// The scratch window, signals and packet places of one algorithm (and root) on one team, double
// buffered: launches 0, 2, 4, ... use half 0, launches 1, 3, 5, ... half 1.
//
// Why two halves suffice without a handshake between launches. Let launches k and k + 2 share a
// half, and let the collective have no root.
// 1. A rank returns from launch k + 1 only after every rank has entered launch k + 1: it waits for
//    notifies or packets that depend, directly or transitively, on every rank's part in the launch.
// 2. A rank that takes part in launch k + 1 has returned from launch k.
// 3. So when a rank enters launch k + 2, no rank is still in launch k: nobody reads what the rank
//    is about to overwrite, and nobody mistakes its notifies for those of launch k.
// Step 1 fails for collectives with a root: the root of a broadcast, for example, waits for no
// peer. There the kernel itself returns the half by credits (see RootedArgs in kernels/args.h), for
// which it needs `uses`.
//
// All ranks make the same calls, so all take the same half, and all allocate at the same launch. An
// outgrown window is not freed while the team lives, so a rank that is still in the launch before
// can go on using it.
class Scratch {
 public:
  Scratch(Team& team, const Algorithm& algorithm);

  struct Half {
    Chunks scratch;
    View send, recv;  // memory for all staged blocks of send and of recv
    SignalRow signals;
    PacketRow packets;
    View memory;             // the whole half
    std::uint64_t uses = 0;  // number of earlier launches on this half
  };
  // Returns the half for the next launch, laid out for blocks of `count` elements; valid until the
  // next call of next(). Allocates the window on first use, and a larger one with new signals when
  // the half is too small; `uses` starts at 0 again then.
  [[nodiscard]] const Half& next(std::size_t count, DType dtype, const Staging& staged) {
    Kept* kept = &kept_[launches_ % 2];
    if (!kept->is_for(count, dtype, staged)) kept = &keep({count, dtype, staged, {}});
    kept->half.uses = launches_ / 2;
    ++launches_;
    return kept->half;
  }

 private:
  // The layout of a half by the last launch on it, reused by the next launch if that is alike.
  struct Kept {
    static constexpr std::size_t none = SIZE_MAX;

    std::size_t count = none;
    DType dtype{};
    Staging staged;
    Half half;

    [[nodiscard]] bool is_for(std::size_t elements, DType type, const Staging& stages) const {
      return count == elements && dtype == type && staged == stages;
    }
  };
  void allocate(std::size_t half_bytes);
  [[nodiscard]] Kept& keep(const Kept& wanted);
  [[nodiscard]] Half lay_out(std::size_t half, const Kept& kept);

  Team& team_;
  const Algorithm& algorithm_;
  std::size_t blocks_;  // elements of scratch per element of a block
  int parts_;
  int signal_count_, packet_count_;
  Window window_;
  SignalRow signals_[2];
  PacketRow packets_[2];
  Kept kept_[2];
  std::size_t half_bytes_ = 0;
  std::uint64_t launches_ = 0;
  bool allocated_ = false;
};

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

// What the collectives keep with a team on one rank: the plans, the scratch of each algorithm, the
// last call and the chooser.
class CollectiveState final : public Team::State {
 public:
  static constexpr char state_key = 0;  // its address is the key for Team::state

  static void make(std::unique_ptr<Team::State>& state);

  // The remembered plan with this key, or nullptr.
  [[nodiscard]] CallPlan* find(const CallKind& kind) {
    CallPlan* const known = plans_[slot(kind)].get();
    return known != nullptr && known->is_for(kind) ? known : nullptr;
  }
  // The last call that was resolved.
  [[nodiscard]] CachedCall& last() { return last_; }

  // Makes and remembers the plan with this key, for blocks of `count` elements. With algorithm
  // `auto`, the ranks may communicate to choose, so all have to call it together. It may replace
  // another plan in the same slot of the hash table, and so clears last(). Throws Error for an
  // unknown algorithm.
  CallPlan& plan(Team& team, const CallKind& kind, std::size_t count);
  // True while plan() chooses an algorithm. Collective calls that the choice itself makes are then
  // not announced, because they are part of the call that is being planned.
  [[nodiscard]] bool is_planning() const { return is_planning_; }

  // Called after each call. Measures the latency between the ranks again when the weights of the
  // calls since the last measurement reach a limit; the limit is such that the calls take at least
  // a hundred times as long as the measurement. Weights are equal on all ranks, so all ranks
  // measure after the same call.
  void after_call(Team& team, const CallPlan& plan) {
    weight_ += plan.weight;
    if (weight_ >= max_weight_) measure_again(team);
  }

 private:
  [[nodiscard]] static std::size_t slot(const CallKind& kind) {
    const std::uint64_t mixed = (kind.recv.count + kind.traits() * 7) * 0x9e3779b97f4a7c15u;
    return mixed >> (64 - plan_bits);
  }
  [[nodiscard]] Scratch& scratch(Team& team, const Algorithm& algorithm, int root);

  [[nodiscard]] Choice choose(Team& team, const CallKind& kind, std::size_t count, DType dtype);
  void measure_again(Team& team);

  static constexpr std::uint64_t weight_between_measurements = 16384;

  Chooser chooser_;
  std::uint64_t weight_ = 0, max_weight_ = UINT64_MAX;
  bool is_planning_ = false;
  CachedCall last_;
  static constexpr int plan_bits = 6;
  std::map<std::pair<const Algorithm*, int>, Scratch> scratch_;
  // A direct-mapped hash table by the plan's key; most programs make calls with few keys.
  std::array<std::unique_ptr<CallPlan>, std::size_t{1} << plan_bits> plans_;
};

[[nodiscard]] inline CollectiveState& collective_state(Team& team) {
  std::unique_ptr<Team::State>& state = team.state(&CollectiveState::state_key);
  if (state == nullptr) CollectiveState::make(state);
  return static_cast<CollectiveState&>(*state);
}

}  // namespace peal
