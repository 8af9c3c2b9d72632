// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "peal/chip/fabric.h"
#include "peal/executors/sim/reserved_memory.h"
#include "peal/executors/sim/windows.h"

namespace peal {

// The memory of all simulated ranks of a run: each has an equal part of one range, in which
// symmetric windows lie at the same offsets. Beside it, the on-chip memory of every core.
class SimMemory final : public Regions, public SimWindows {
 public:
  // Makes the memory ready for a run of `ranks` and `cores`, each with so much memory on chip:
  // nothing is allocated and everything that will be is zero.
  void begin_run(int ranks, int cores, std::size_t on_chip_bytes);

  // Leaves so many bytes between windows in this run, so that what reaches past one is not in
  // another.
  void keep_apart(std::size_t gap_bytes) { gap_ = gap_bytes; }

  [[nodiscard]] const MemoryMap& map() const { return memory_.map(); }
  [[nodiscard]] std::byte* on_chip(int core) const {
    return on_chip_.data() + static_cast<std::size_t>(core) * on_chip_stride_;
  }

  // Where a window of this run lies on a rank.
  [[nodiscard]] std::byte* address(const SimWindow& window, int rank) const {
    return map().translate(map().base, 0, rank) + window.offset_on(rank);
  }

  [[nodiscard]] bool holds(const void* address, std::size_t size_bytes) const override;
  [[nodiscard]] bool is_shared(const void* address) const override;
  [[nodiscard]] std::optional<Region> find(const void* address) const override;

 private:
  // The last window that starts at or before an address, and where in it the address is.
  struct Located {
    const SimWindow* window = nullptr;
    int rank = 0;
    std::size_t offset = 0;
  };
  [[nodiscard]] Located locate(const void* address) const;
  void place(SimWindow& window) override;

  ReservedMemory memory_;
  ZeroPages on_chip_;
  std::size_t on_chip_stride_ = 0;
  std::size_t gap_ = 0;
  std::size_t used_ = 0;   // of each part, in this run
  std::size_t dirty_ = 0;  // of each part, by any run so far
};

// Tell the readers of a run about memory on each of these ranks, or about a core's memory on chip.
void report_window(const SimWindow& window, int rank, std::uint32_t signal_start,
                   const Fabric& fabric);
void report_on_chip(int core, int rank, const std::byte* data, std::size_t size_bytes,
                    const Fabric& fabric);

}  // namespace peal
