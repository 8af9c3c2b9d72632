// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/scratch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <tuple>

#include "peal/base/alignment.h"

namespace peal {
namespace {

constexpr std::size_t min_half_bytes = 4096;

// The longest piece, if each of its elements takes `blocks` elements of a half. It is a multiple of
// 64 elements, so that pieces begin at cache lines.
std::size_t longest_piece_of(std::size_t blocks, DType dtype, const Platform& platform) {
  if (blocks == 0) return SIZE_MAX;
  const auto max_bytes = static_cast<std::size_t>(platform.verbs.piece_bytes);
  const std::size_t count = max_bytes / (blocks * size_bytes(dtype));
  return count < 64 ? std::max<std::size_t>(1, count) : count / 64 * 64;
}

}  // namespace

Staging staging(const Algorithm& algorithm, int ranks, const Placement& placement) {
  const CollectiveShape blocks = shape(algorithm.collective, ranks);
  const Needs& needs = algorithm.needs;
  Staging result;
  const bool is_apart = !needs.apart || !placement.in_place;
  if (needs.send_in_window && !(placement.send_in_window && is_apart)) {
    result.send_blocks = blocks.send_blocks;
  }
  if (needs.data_in_window || (needs.recv_in_window && !(placement.recv_in_window && is_apart))) {
    result.recv_blocks = blocks.recv_blocks;
  }
  return result;
}

std::size_t longest_piece(const Algorithm& algorithm, int ranks, DType dtype,
                          const Placement& placement, const Platform& platform) {
  const Staging staged = staging(algorithm, ranks, placement);
  const auto blocks = static_cast<std::size_t>(figures(algorithm, ranks, 1).scratch +
                                               staged.send_blocks + staged.recv_blocks);
  const std::size_t longest = longest_piece_of(blocks, dtype, platform);
  if (!algorithm.needs.fits_packets) return longest;
  return std::min(longest, Packets::max_bytes / size_bytes(dtype));
}

std::size_t launch_count(const Algorithm& algorithm, int ranks, std::size_t count, DType dtype,
                         const Placement& placement, const Platform& platform) {
  if (algorithm.collective == Collective::barrier) return 1;
  if (count == 0) return 0;
  return (count - 1) / longest_piece(algorithm, ranks, dtype, placement, platform) + 1;
}

Scratch::Scratch(Team& team, const Algorithm& algorithm) : team_(team), algorithm_(algorithm) {
  const AlgorithmFigures unit = figures(algorithm, team.size(), 1);
  blocks_ = static_cast<std::size_t>(unit.scratch);  // every formula is a multiple of n
  parts_ = static_cast<int>(unit.parts);
  signal_count_ = static_cast<int>(unit.signals);
  const bool has_root = shape(algorithm.collective, team.size()).has_root;
  packet_count_ = has_root ? RootedPacketArgs::turns : team.size();
  if (!algorithm.needs.fits_packets) packet_count_ = 0;
}

void Scratch::allocate(std::size_t half_bytes) {
  const std::string label = fmt::format("{} {}", name(algorithm_.collective), algorithm_.name);
  half_bytes_ = half_bytes == 0 ? 0 : std::bit_ceil(std::max(half_bytes, min_half_bytes));
  window_ = team_.device().allocate(label + " scratch", 2 * half_bytes_);
  for (SignalRow& row : signals_) {
    row = team_.device().allocate_signals(label + " signals", signal_count_);
  }
  for (PacketRow& row : packets_) {
    if (packet_count_ > 0) row = team_.device().allocate_packets(label + " packets", packet_count_);
  }
  launches_ = 0;
  for (Kept& kept : kept_) kept.count = Kept::none;
  allocated_ = true;
}

Scratch::Kept& Scratch::keep(const Kept& wanted) {
  const Half half = lay_out(launches_ % 2, wanted);
  Kept& kept = kept_[launches_ % 2];  // after lay_out(), which may allocate and reset launches_
  kept = wanted;
  kept.half = half;
  return kept;
}

Scratch::Half Scratch::lay_out(std::size_t half, const Kept& kept) {
  const auto bytes_of = [&](std::size_t blocks) {
    return in_cache_lines(blocks * kept.count * size_bytes(kept.dtype));
  };
  const auto sends = static_cast<std::size_t>(kept.staged.send_blocks);
  const auto recvs = static_cast<std::size_t>(kept.staged.recv_blocks);
  const std::size_t send_at = bytes_of(blocks_), recv_at = send_at + bytes_of(sends);
  const std::size_t needed = recv_at + bytes_of(recvs);
  if (!allocated_ || needed > half_bytes_) {
    allocate(needed);
    half = 0;
  }
  const std::size_t offset = half * half_bytes_;
  const auto view = [&](std::size_t at, std::size_t blocks) {
    return window_.view(offset + (blocks == 0 ? 0 : at), blocks * kept.count, kept.dtype);
  };
  const auto slots = [&] {
    const auto parts = static_cast<std::size_t>(parts_);
    return Chunks(view(0, 1), parts_, half_bytes_ / parts / size_bytes(kept.dtype));
  };
  return {.scratch = algorithm_.needs.has_slots ? slots() : Chunks(view(0, blocks_), parts_),
          .send = view(send_at, sends),
          .recv = view(recv_at, recvs),
          .signals = signals_[half],
          .packets = packets_[half],
          .memory = window_.view(offset, half_bytes_, DType::u8)};
}

Scratch& CollectiveState::scratch(Team& team, const Algorithm& algorithm, int root) {
  const std::pair key{&algorithm, root};
  const auto found = scratch_.find(key);
  if (found != scratch_.end()) return found->second;
  return scratch_
      .emplace(std::piecewise_construct, std::forward_as_tuple(key),
               std::forward_as_tuple(team, algorithm))
      .first->second;
}

void CollectiveState::make(std::unique_ptr<Team::State>& state) {
  state = std::make_unique<CollectiveState>();
}

Choice CollectiveState::choose(Team& team, const CallKind& kind, std::size_t count, DType dtype) {
  struct Planning {
    bool& is_under_way;
    ~Planning() { is_under_way = false; }
  } const planning{is_planning_};
  is_planning_ = true;
  return chooser_.choose(team, kind.collective, count, dtype, kind.placement);
}

CallPlan& CollectiveState::plan(Team& team, const CallKind& kind, std::size_t count) {
  CallPlan plan;
  plan.traits = kind.traits();
  plan.send_count = kind.send.count;
  plan.recv_count = kind.recv.count;
  plan.count = count;
  plan.dtype = kind.recv.data != nullptr ? kind.recv.dtype : kind.send.dtype;
  plan.shape = shape(kind.collective, team.size());
  plan.cuts = kind.collective == Collective::all_reduce ? team.size() : 0;
  const bool is_named = kind.asked != auto_algorithm;
  if (is_named) {
    plan.algorithm = &find_algorithm(kind.collective, kind.asked);
  } else {
    const Choice choice = choose(team, kind, count, plan.dtype);
    log_choice(team.rank(), team.size(), choice, count * size_bytes(plan.dtype), kind.placement);
    plan.algorithm = choice.algorithm;
    if (chooser_.may_change()) max_weight_ = weight_between_measurements;
  }
  plan.lacks_shared_cache = chooser_.lacks_shared_cache();
  plan.weight = 1 + count * size_bytes(plan.dtype) / 4096;
  plan.asked = is_named ? plan.algorithm->name : auto_algorithm;
  plan.scratch = &scratch(team, *plan.algorithm, plan.shape.has_root ? kind.root : 0);
  plan.longest_piece =
      longest_piece(*plan.algorithm, team.size(), plan.dtype, kind.placement, team.platform());
  const std::size_t sent = kind.send.size_bytes(), received = kind.recv.size_bytes();
  const bool is_in_place = kind.send.data == kind.recv.data;
  plan.moved_bytes = (is_in_place ? std::max(sent, received) : sent + received) *
                     static_cast<std::size_t>(team.size());
  plan.staged = staging(*plan.algorithm, team.size(), kind.placement);
  plan.is_one_launch = plan.count <= plan.longest_piece && plan.staged == Staging{} &&
                       !plan.algorithm->needs.in_place;
  last_ = {};  // it may point to the plan that is replaced here
  std::unique_ptr<CallPlan>& known = plans_[slot(kind)];
  if (known == nullptr) known = std::make_unique<CallPlan>();
  return *known = plan;
}

void CollectiveState::measure_again(Team& team) {
  weight_ = 0;
  const bool before = chooser_.lacks_shared_cache();
  chooser_.measure(team);
  if (chooser_.lacks_shared_cache() == before) return;
  last_ = {};
  for (const std::unique_ptr<CallPlan>& plan : plans_) {
    if (plan != nullptr) plan->algorithm = nullptr;
  }
}

}  // namespace peal
