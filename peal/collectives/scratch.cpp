// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/scratch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace peal {
namespace {

// The most that one half of a window takes; a launch on more is cut into pieces.
constexpr std::size_t most_half_bytes = std::size_t{16} << 20;
constexpr std::size_t least_half_bytes = 4096;

std::size_t in_lines(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// The longest piece where each of its elements takes `blocks` elements of a half.
std::size_t longest_piece_of(std::size_t blocks, DType dtype) {
  const std::size_t count =
      most_half_bytes / (std::max<std::size_t>(1, blocks) * size_bytes(dtype));
  return count < 64 ? std::max<std::size_t>(1, count) : count / 64 * 64;
}

std::size_t staged_blocks(const Algorithm& algorithm) { return algorithm.data_in_window ? 1 : 0; }

}  // namespace

std::size_t longest_piece(const Algorithm& algorithm, int ranks, DType dtype) {
  const auto blocks = static_cast<std::size_t>(figures(algorithm, ranks, 1).scratch);
  return longest_piece_of(blocks + staged_blocks(algorithm), dtype);
}

std::size_t launch_count(const Algorithm& algorithm, int ranks, std::size_t count, DType dtype) {
  if (algorithm.collective == Collective::barrier) return 1;
  if (count == 0) return 0;
  return (count - 1) / longest_piece(algorithm, ranks, dtype) + 1;
}

Scratch::Scratch(Team& team, const Algorithm& algorithm) : team_(team), algorithm_(algorithm) {
  const AlgorithmFigures unit = figures(algorithm, team.size(), 1);
  blocks_ = static_cast<std::size_t>(unit.scratch);  // every formula is a multiple of n
  parts_ = static_cast<int>(unit.parts);
  signal_count_ = static_cast<int>(unit.signals);
}

std::size_t Scratch::longest_piece(DType dtype) const {
  return longest_piece_of(blocks_ + staged_blocks(algorithm_), dtype);
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

Scratch::Half Scratch::next(std::size_t count, DType dtype) {
  const std::size_t scratch_bytes = in_lines(blocks_ * count * size_bytes(dtype));
  const std::size_t data_bytes =
      algorithm_.data_in_window ? in_lines(count * size_bytes(dtype)) : 0;
  if (!allocated_ || scratch_bytes + data_bytes > half_bytes_) {
    allocate(scratch_bytes + data_bytes);
  }
  const std::size_t half = launches_ % 2, offset = half * half_bytes_;
  const bool reused = launches_ >= 2;
  ++launches_;
  return {.scratch = Chunks(window_.view(offset, blocks_ * count, dtype), parts_),
          .data = window_.view(offset + scratch_bytes, data_bytes == 0 ? 0 : count, dtype),
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

const Algorithm& CollectiveState::choose(Team& team, Collective collective, std::size_t count,
                                         DType dtype) {
  const Algorithm*& choice = choices_[{collective, count, dtype}];
  if (choice == nullptr) {
    choice = &choose_algorithm(collective, team.size(), count, dtype, team.platform());
  }
  return *choice;
}

CollectiveState& collective_state(Team& team) {
  static constexpr char key = 0;
  std::unique_ptr<Team::State>& state = team.state(&key);
  if (state == nullptr) state = std::make_unique<CollectiveState>();
  return static_cast<CollectiveState&>(*state);
}

}  // namespace peal
