// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "peal/chip/fabric.h"
#include "peal/executors/sim/reserved_memory.h"
#include "peal/executors/sim/windows.h"

namespace peal {

// The global memory of all simulated ranks of a run, and the on-chip memory of every core. Each
// rank has an equal part of one address range, and a symmetric window lies at the same offset in
// every part, so that a peer's address is one addition.
//
// Windows are allocated upwards from offset 0 and are zero. The reservation is kept from run to
// run, and its pages are zero until they are first touched, so only offsets that an earlier run has
// used have to be cleared: those below `dirty_`, the greatest `used_` of any run on this
// reservation. Gaps count as used, since programs may have written there by mistake.
class SimMemory final : public Regions, public SimWindows {
 public:
  // Frees all windows and prepares for a run of `ranks` ranks and `cores` cores with
  // `on_chip_bytes` each. If both are the same as in the last run, the reservation stays, and
  // on-chip memory keeps its contents. Throws Error when the address space does not suffice.
  void begin_run(int ranks, int cores, std::size_t on_chip_bytes);

  // Leaves a gap of `gap_bytes` after each window of this run, so that an access that overruns a
  // window does not land in another one.
  void keep_apart(std::size_t gap_bytes) { gap_ = gap_bytes; }

  [[nodiscard]] const MemoryMap& map() const { return memory_.map(); }
  [[nodiscard]] std::byte* on_chip(int core) const {
    return on_chip_.data() + static_cast<std::size_t>(core) * on_chip_stride_;
  }

  // The address of a window of this run on a rank.
  [[nodiscard]] std::byte* address(const SimWindow& window, int rank) const {
    return map().translate(map().base, 0, rank) + window.offset_on(rank);
  }

  [[nodiscard]] bool holds(const void* address, std::size_t size_bytes) const override;
  [[nodiscard]] bool is_shared(const void* address) const override;
  [[nodiscard]] std::optional<Region> find(const void* address) const override;

 private:
  // The last window of the address's rank that starts at or before the address, and the offset from
  // its start, which may lie beyond the window's end; `window` is null if there is none.
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
  std::size_t used_ = 0;   // bytes of each part that this run has used
  std::size_t dirty_ = 0;  // bytes of each part that any run on this reservation has used
};

// Emit the region event of a window on one rank, or of a core's on-chip memory.
void report_window(const SimWindow& window, int rank, std::uint32_t signal_start,
                   const Fabric& fabric);
void report_on_chip(int core, int rank, const std::byte* data, std::size_t size_bytes,
                    const Fabric& fabric);

}  // namespace peal
