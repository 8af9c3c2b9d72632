// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/collectives/registry.h"
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
// buffered: launches 0, 2, 4, ... use half 0, launches 1, 3, 5, ... half 1. The numbers
// count the launches of this Scratch alone.
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

  Device& device_;
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

}  // namespace peal
