// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peal/chip/fabric.h"
#include "peal/machine/event.h"

namespace peal {

// The memory of all simulated ranks, allocated on first touch, in one reserved range at a fixed
// address: each rank has an equal part, in which symmetric windows lie at the same offsets. Beside
// it, the on-chip memory of every core.
class SimMemory final : public Regions {
 public:
  SimMemory() = default;
  ~SimMemory() override;
  SimMemory(const SimMemory&) = delete;
  SimMemory& operator=(const SimMemory&) = delete;

  // Makes the memory ready for a run of `ranks` and `cores`, each with so much memory on chip:
  // nothing is allocated and everything that will be is zero.
  void begin_run(int ranks, int cores, std::size_t on_chip_bytes);

  // Leaves so many bytes between windows in this run, so that what reaches past one is not in
  // another.
  void keep_apart(std::size_t gap_bytes) { gap_ = gap_bytes; }

  [[nodiscard]] const MemoryMap& map() const { return map_; }
  [[nodiscard]] std::byte* on_chip(int core) const {
    return on_chip_ + static_cast<std::size_t>(core) * on_chip_stride_;
  }

  struct Window {
    std::string name;
    std::size_t offset = 0;
    std::size_t size_bytes = 0;
    RegionKind kind = RegionKind::window;
  };
  // The `index`-th symmetric window; the first rank that asks decides name and size, and the others
  // must ask for the same.
  const Window& window(std::size_t index, std::string_view name, std::size_t size_bytes, int rank,
                       RegionKind kind = RegionKind::window);
  [[nodiscard]] const std::vector<Window>& windows() const { return windows_; }
  // Tells the readers of a run about a window on every rank, or about the memory on chip.
  void report(const Window& window, std::uint32_t signal_start, const Fabric& fabric) const;
  void report_on_chip(int core, int rank, std::size_t size_bytes, const Fabric& fabric) const;
  [[nodiscard]] bool holds(const void* address, std::size_t size_bytes) const override;
  [[nodiscard]] std::optional<Region> find(const void* address) const override;
  // The window that holds an address of a rank, or nullptr.
  [[nodiscard]] std::size_t window_count() const { return windows_.size(); }
  [[nodiscard]] const Window* window_at(const void* address) const;

 private:
  // The last window that starts at or before an address, and where in it the address is.
  struct Located {
    const Window* window = nullptr;
    int rank = 0;
    std::size_t offset = 0;
  };
  [[nodiscard]] Located locate(const void* address) const;
  void reserve(int ranks, std::size_t on_chip_bytes);
  void release();
  void clear(std::size_t offset, std::size_t size_bytes);

  MemoryMap map_;
  std::size_t reserved_bytes_ = 0;
  std::byte* on_chip_ = nullptr;
  std::size_t on_chip_stride_ = 0;
  std::size_t on_chip_reserved_ = 0;
  std::vector<Window> windows_;
  std::size_t gap_ = 0;
  std::size_t used_ = 0;   // of each part, in this run
  std::size_t dirty_ = 0;  // of each part, by any run so far
};

}  // namespace peal
