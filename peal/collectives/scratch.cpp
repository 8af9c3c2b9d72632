// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/scratch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>

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

Scratch::Scratch(Team& team, const Algorithm& algorithm)
    : device_(team.device()), algorithm_(algorithm) {
  const AlgorithmFigures unit = figures(algorithm, team.size(), 1);
  blocks_ = static_cast<std::size_t>(unit.scratch);  // per element of a block
  parts_ = static_cast<int>(unit.parts);
  signal_count_ = static_cast<int>(unit.signals);
  const bool has_root = shape(algorithm.collective, team.size()).has_root;
  packet_count_ = has_root ? RootedPacketArgs::turns : team.size();
  if (!algorithm.needs.fits_packets) packet_count_ = 0;
}

void Scratch::allocate(std::size_t half_bytes) {
  const std::string label = fmt::format("{} {}", name(algorithm_.collective), algorithm_.name);
  half_bytes_ = half_bytes == 0 ? 0 : std::bit_ceil(std::max(half_bytes, min_half_bytes));
  window_ = device_.allocate(label + " scratch", 2 * half_bytes_);
  for (SignalRow& row : signals_) {
    row = device_.allocate_signals(label + " signals", signal_count_);
  }
  for (PacketRow& row : packets_) {
    if (packet_count_ > 0) row = device_.allocate_packets(label + " packets", packet_count_);
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

}  // namespace peal
