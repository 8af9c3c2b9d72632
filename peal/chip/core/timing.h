// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "peal/base/units.h"
#include "peal/chip/tile_operation.h"
#include "peal/run/pipe.h"
#include "peal/run/platform.h"

namespace peal {

// How long a core's pipes take, as functions of the platform's figures and the operands alone. What
// depends on the state of the run is elsewhere: Pipes knows when a pipe is free, and
// Fabric::use_link when a link is.
class Timing {
 public:
  explicit Timing(const Platform& platform) : platform_(platform) {}

  struct Transfer {
    std::size_t size_bytes = 0;
    bool is_remote = false;   // between the memories of two ranks
    bool is_of_cube = false;  // to L1 or from L0C, instead of to or from the unified buffer
  };
  // A transfer begins to move bytes after `startup`, and moves them for `duration`; a remote one
  // occupies the link of the two ranks meanwhile.
  struct TransferTime {
    Picoseconds startup = 0;
    Picoseconds duration = 0;
  };
  [[nodiscard]] TransferTime load(const Transfer& transfer) const {
    const Picoseconds duration =
        moving(transfer.size_bytes, transfer.is_of_cube ? platform_.cube.load_ps_per_byte
                                                        : platform_.memory.load_ps_per_byte);
    if (!transfer.is_remote) return {platform_.memory.startup_ps, duration};
    return {platform_.link.load_latency_ps, limited_by_link(transfer.size_bytes, duration)};
  }
  [[nodiscard]] TransferTime store(const Transfer& transfer) const {
    const Picoseconds duration =
        moving(transfer.size_bytes, transfer.is_of_cube ? platform_.cube.store_ps_per_byte
                                                        : platform_.memory.store_ps_per_byte);
    return {platform_.memory.startup_ps,
            transfer.is_remote ? limited_by_link(transfer.size_bytes, duration) : duration};
  }
  // Of the DMA engine.
  [[nodiscard]] TransferTime dma(const Transfer& transfer) const {
    const Picoseconds duration = moving(transfer.size_bytes, platform_.dma.ps_per_byte);
    return {platform_.dma.startup_ps,
            transfer.is_remote ? limited_by_link(transfer.size_bytes, duration) : duration};
  }

  // From the end of a store until it is visible at its destination. Transfers of the DMA engine are
  // visible when they end.
  [[nodiscard]] Picoseconds visibility(const Transfer& store) const {
    return store.is_remote ? platform_.link.store_latency_ps : 0;
  }

  // A vector instruction that combines `size_bytes`, or that converts them between types; the bytes
  // are those of the wider type.
  [[nodiscard]] Picoseconds combine(std::size_t size_bytes) const {
    const Platform::Vector& vector = platform_.vector;
    return repeat(size_bytes, vector.startup_cycles, vector.per_repeat_milli_cycles);
  }
  [[nodiscard]] Picoseconds convert(std::size_t size_bytes) const {
    const Platform::Vector& vector = platform_.vector;
    return repeat(size_bytes, vector.convert_startup_cycles,
                  vector.convert_per_repeat_milli_cycles);
  }

  // A tile instruction that neither loads nor stores.
  [[nodiscard]] Picoseconds tile(Pipe pipe, const TileOperation& operation) const;

 private:
  [[nodiscard]] static Picoseconds moving(std::size_t size_bytes, double ps_per_byte) {
    return static_cast<Picoseconds>(static_cast<double>(size_bytes) * ps_per_byte + 0.5);
  }
  [[nodiscard]] Picoseconds limited_by_link(std::size_t size_bytes, Picoseconds duration) const {
    return std::max(duration, moving(size_bytes, platform_.link.ps_per_byte));
  }
  // The vector unit repeats an instruction until all bytes are done.
  [[nodiscard]] Picoseconds repeat(std::size_t size_bytes, std::int64_t startup_cycles,
                                   std::int64_t per_repeat_milli_cycles) const {
    const Platform::Vector& vector = platform_.vector;
    const auto repeats =
        (static_cast<std::int64_t>(size_bytes) + vector.repeat_bytes - 1) / vector.repeat_bytes;
    const std::int64_t milli_cycles = repeats * per_repeat_milli_cycles;
    return platform_.cycles(
        std::max(vector.floor_cycles, startup_cycles + (milli_cycles + 999) / 1000));
  }

  const Platform& platform_;
};

}  // namespace peal
