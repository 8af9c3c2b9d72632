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
#include "peal/collectives/tuning/choice.h"
#include "peal/machine/calls/call_record.h"
#include "peal/machine/team.h"

namespace peal {

// Blocks of a call that are staged in windows, because an algorithm needs them there and they are
// not.
struct Staging {
  int send_blocks = 0, recv_blocks = 0;

  bool operator==(const Staging&) const = default;
};
[[nodiscard]] Staging staging(const Algorithm& algorithm, int ranks, const Placement& placement);

// The longest block that one launch of the algorithm takes; longer ones are sent in pieces.
[[nodiscard]] std::size_t longest_piece(const Algorithm& algorithm, int ranks, DType dtype,
                                        const Placement& placement, const Platform& platform);

// How many launches of the algorithm one call on blocks of `count` elements takes.
[[nodiscard]] std::size_t launch_count(const Algorithm& algorithm, int ranks, std::size_t count,
                                       DType dtype, const Placement& placement,
                                       const Platform& platform);

// The scratch and signals of one algorithm (and root) on one team: two halves that launches use in
// turn, so that a rank which is one launch ahead does not meet the one before.
class Scratch {
 public:
  Scratch(Team& team, const Algorithm& algorithm);

  struct Half {
    Chunks scratch;
    View send, recv;  // what is staged, all blocks of it
    SignalRow signals;
    PacketRow packets;
    View memory;             // all of it
    std::uint64_t uses = 0;  // by earlier launches
  };
  // The half for the next launch, on blocks of `count` elements. The memory is allocated when it
  // is first needed and anew, with signals of its own, when it has become too small.
  [[nodiscard]] const Half& next(std::size_t count, DType dtype, const Staging& staged) {
    Kept* kept = &kept_[launches_ % 2];
    if (!kept->is_for(count, dtype, staged)) kept = &keep({count, dtype, staged, {}});
    kept->half.uses = launches_ / 2;
    ++launches_;
    return kept->half;
  }

 private:
  // A half as the last launch on it had it.
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
  std::size_t blocks_;  // scratch elements for each element of a block
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

// What decides how a call is carried out. The views are looked at for their lengths and types.
struct CallKind {
  Collective collective{};
  const View& send;
  const View& recv;
  Placement placement;
  int root = 0;
  const std::string_view& asked;  // the algorithm's name, or auto

  // All of it but the lengths and the name.
  [[nodiscard]] std::uint64_t traits() const {
    const auto bits = [](auto value, int shift) {
      return static_cast<std::uint64_t>(static_cast<std::uint32_t>(value)) << shift;
    };
    return bits(collective, 0) | bits(send.dtype, 8) | bits(recv.dtype, 16) |
           bits(placement.send_in_window, 24) | bits(placement.recv_in_window, 25) |
           bits(placement.in_place, 26) | bits(root, 32);
  }
};

// What the device was last told of calls of a plan.
struct Announcement {
  std::uint64_t number = 0;  // the device's
  ReduceOp op{};
  SourcePlace place;
  std::uint64_t stamp = 0;

  [[nodiscard]] bool is_of(ReduceOp operation, SourcePlace where) const {
    return op == operation && place.line == where.line && place.file == where.file;
  }
};

// How calls of one kind are carried out on a team.
struct CallPlan {
  std::uint64_t traits = 0;
  std::size_t send_count = 0, recv_count = 0;
  std::string_view asked;

  std::size_t count = 0;  // of a block
  DType dtype{};
  CollectiveShape shape;
  int cuts = 0;  // the chunks that kernels get of the one block of an all-reduce
  const Algorithm* algorithm = nullptr;
  Scratch* scratch = nullptr;
  std::size_t longest_piece = 0;
  std::size_t moved_bytes = 0;  // of all ranks' buffers together
  std::uint64_t weight = 0;     // about how long a call takes; the same on all ranks
  bool lacks_shared_cache = false;
  Staging staged;
  bool is_one_launch = false;  // on the buffers themselves
  // The last few, since a program makes calls of one kind at several places.
  std::array<Announcement, 4> announced = {};
  std::size_t announcements = 0;

  [[nodiscard]] bool is_for(const CallKind& kind) const {
    return algorithm != nullptr && traits == kind.traits() && send_count == kind.send.count &&
           recv_count == kind.recv.count && is_asked(kind.asked);
  }
  // `asked` is a constant, and as a rule so is what is asked for: mostly the same one.
  [[nodiscard]] bool is_asked(const std::string_view& text) const {
    return text.size() == asked.size() && (text.data() == asked.data() || text == asked);
  }
};

// A call as it was given, and what it came to: one just like it need not be looked into again.
struct CachedCall {
  static constexpr std::uint64_t never = UINT64_MAX;

  const CallPlan* plan = nullptr;
  std::uint64_t traits = 0;  // see CollectiveTraits
  bool sends = false, receives = false, is_empty = false;
  View send, recv;  // nothing where nobody looks at it
  SourcePlace place;
  // Of the team's, in which it was made; never where each call is told to the device.
  std::uint64_t task = 0;
  std::uint64_t stamp = 0;
  int root = 0;
  ReduceOp op{};
  Chunks send_blocks, recv_blocks;  // where it is one launch
};

// The collective, operation and root of a call in one word, which is compared at once.
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

// What the collectives keep with a team.
class CollectiveState final : public Team::State {
 public:
  static constexpr char state_key = 0;  // by which the team keeps it

  static void make(std::unique_ptr<Team::State>& state);

  // The remembered plan for such calls, or nullptr.
  [[nodiscard]] CallPlan* find(const CallKind& kind) {
    CallPlan* const known = plans_[slot(kind)].get();
    return known != nullptr && known->is_for(kind) ? known : nullptr;
  }
  // The last call that was looked into.
  [[nodiscard]] CachedCall& last() { return last_; }

  // Makes and remembers the plan for them, with blocks of `count` elements.
  CallPlan& plan(Team& team, const CallKind& kind, std::size_t count);
  // Whether the ranks find something out for the plan of a call, for which they may make calls of
  // their own.
  [[nodiscard]] bool is_planning() const { return is_planning_; }

  // Called after each call. The ranks' distance is measured again after calls that took a hundred
  // times as long or more.
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
  // By a hash of what calls have in common. Most programs make calls of a few kinds.
  std::array<std::unique_ptr<CallPlan>, std::size_t{1} << plan_bits> plans_;
};

[[nodiscard]] inline CollectiveState& collective_state(Team& team) {
  std::unique_ptr<Team::State>& state = team.state(&CollectiveState::state_key);
  if (state == nullptr) CollectiveState::make(state);
  return static_cast<CollectiveState&>(*state);
}

}  // namespace peal
