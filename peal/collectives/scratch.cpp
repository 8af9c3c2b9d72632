// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/scratch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <tuple>

namespace peal {
namespace {

// The most that one half of a window takes; a launch on more is cut into pieces.
constexpr std::size_t most_half_bytes = std::size_t{16} << 20;
constexpr std::size_t least_half_bytes = 4096;
constexpr std::string_view auto_algorithm = "auto";

std::size_t in_lines(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// The longest piece where each of its elements takes `blocks` elements of a half.
std::size_t longest_piece_of(std::size_t blocks, DType dtype) {
  if (blocks == 0) return SIZE_MAX;
  const std::size_t count = most_half_bytes / (blocks * size_bytes(dtype));
  return count < 64 ? std::max<std::size_t>(1, count) : count / 64 * 64;
}

}  // namespace

Staging staging(const Algorithm& algorithm, int ranks, const Placement& placement) {
  const CollectiveShape blocks = shape(algorithm.collective, ranks);
  const Needs& needs = algorithm.needs;
  Staging result;
  const bool send_is_fit = placement.send_in_window && !(needs.apart && placement.in_place);
  if (needs.send_in_window && !send_is_fit) result.send_blocks = blocks.send_blocks;
  if (needs.data_in_window || (needs.recv_in_window && !placement.recv_in_window)) {
    result.recv_blocks = blocks.recv_blocks;
  }
  return result;
}

std::size_t longest_piece(const Algorithm& algorithm, int ranks, DType dtype,
                          const Placement& placement) {
  const Staging staged = staging(algorithm, ranks, placement);
  const auto blocks = static_cast<std::size_t>(figures(algorithm, ranks, 1).scratch +
                                               staged.send_blocks + staged.recv_blocks);
  const std::size_t longest = longest_piece_of(blocks, dtype);
  if (!algorithm.needs.fits_cell) return longest;
  return std::min(longest, SignalCell::payload_bytes / size_bytes(dtype));
}

std::size_t launch_count(const Algorithm& algorithm, int ranks, std::size_t count, DType dtype,
                         const Placement& placement) {
  if (algorithm.collective == Collective::barrier) return 1;
  if (count == 0) return 0;
  return (count - 1) / longest_piece(algorithm, ranks, dtype, placement) + 1;
}

Scratch::Scratch(Team& team, const Algorithm& algorithm) : team_(team), algorithm_(algorithm) {
  const AlgorithmFigures unit = figures(algorithm, team.size(), 1);
  blocks_ = static_cast<std::size_t>(unit.scratch);  // every formula is a multiple of n
  parts_ = static_cast<int>(unit.parts);
  signal_count_ = static_cast<int>(unit.signals);
}

void Scratch::allocate(std::size_t half_bytes) {
  const std::string label = fmt::format("{} {}", name(algorithm_.collective), algorithm_.name);
  half_bytes_ = half_bytes == 0 ? 0 : std::bit_ceil(std::max(half_bytes, least_half_bytes));
  window_ = team_.device().allocate(label + " scratch", 2 * half_bytes_);
  for (SignalRow& row : signals_) {
    row = team_.device().allocate_signals(label + " signals", signal_count_);
  }
  launches_ = 0;
  allocated_ = true;
}

Scratch::Half Scratch::next(std::size_t count, DType dtype, const Staging& staged) {
  const auto bytes_of = [&](std::size_t blocks) {
    return in_lines(blocks * count * size_bytes(dtype));
  };
  const auto sends = static_cast<std::size_t>(staged.send_blocks);
  const auto recvs = static_cast<std::size_t>(staged.recv_blocks);
  const std::size_t send_at = bytes_of(blocks_), recv_at = send_at + bytes_of(sends);
  const std::size_t needed = recv_at + bytes_of(recvs);
  if (!allocated_ || needed > half_bytes_) allocate(needed);
  const std::size_t half = launches_ % 2, offset = half * half_bytes_;
  const bool reused = launches_ >= 2;
  ++launches_;
  return {.scratch = Chunks(window_.view(offset, blocks_ * count, dtype), parts_),
          .send = window_.view(offset + (sends == 0 ? 0 : send_at), sends * count, dtype),
          .recv = window_.view(offset + (recvs == 0 ? 0 : recv_at), recvs * count, dtype),
          .signals = signals_[half],
          .reused = reused};
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

const CallPlan& CollectiveState::plan(Team& team, const CallPlan& like) {
  const std::size_t hash = like.count * 31 + static_cast<std::size_t>(like.collective) * 7 +
                           static_cast<std::size_t>(like.dtype) * 3 +
                           static_cast<std::size_t>(like.root);
  CallPlan& known = plans_[(hash ^ (hash >> 6)) % plan_count];
  if (known.algorithm == nullptr || !known.is_for(like)) known = make_plan(team, like);
  return known;
}

CallPlan CollectiveState::make_plan(Team& team, const CallPlan& like) {
  CallPlan plan = like;
  const bool is_named = like.asked != auto_algorithm;
  plan.algorithm = is_named ? &find_algorithm(like.collective, like.asked)
                            : &choose_algorithm(like.collective, team.size(), like.count,
                                                like.dtype, like.placement, team.platform());
  plan.asked = is_named ? plan.algorithm->name : auto_algorithm;
  plan.scratch = &scratch(team, *plan.algorithm, like.root);
  plan.longest_piece = longest_piece(*plan.algorithm, team.size(), like.dtype, like.placement);
  plan.staged = staging(*plan.algorithm, team.size(), like.placement);
  return plan;
}

CollectiveState& collective_state(Team& team) {
  static constexpr char key = 0;
  std::unique_ptr<Team::State>& state = team.state(&key);
  if (state == nullptr) state = std::make_unique<CollectiveState>();
  return static_cast<CollectiveState&>(*state);
}

}  // namespace peal
