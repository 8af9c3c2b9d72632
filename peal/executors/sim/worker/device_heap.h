// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "peal/base/memory/free_ranges.h"
#include "peal/executors/sim/reserved_memory.h"
#include "peal/executors/sim/windows.h"
#include "peal/run/device_driver.h"

namespace peal {

// The memory of simulated devices. Allocations are made and freed in any order; each lies at the
// same offset on one or several devices. A gap after each keeps an access that overruns it from
// landing in another one.
class DeviceHeap final : public Regions {
 public:
  explicit DeviceHeap(int devices);

  struct Allocation {
    SimWindow window;
    std::vector<int> devices;
    std::size_t extent_bytes = 0;  // its pages and the gap after them
  };

  // Returns the offset of zeroed, page-aligned memory. Throws Error when memory does not suffice.
  [[nodiscard]] std::size_t allocate(const DeviceMemoryRequest& request);
  void free(std::size_t offset);

  [[nodiscard]] const std::map<std::size_t, Allocation>& allocations() const {
    return allocations_;
  }
  [[nodiscard]] const MemoryMap& map() const { return memory_.map(); }
  [[nodiscard]] bool holds(const void* address, std::size_t size_bytes) const override;
  [[nodiscard]] bool is_shared(const void* address) const override;
  [[nodiscard]] std::optional<Region> find(const void* address) const override;

 private:
  [[nodiscard]] std::size_t take(std::size_t extent_bytes, const DeviceMemoryRequest& request);

  ReservedMemory memory_;
  std::map<std::size_t, Allocation> allocations_;  // by offset
  FreeRanges free_;
};

}  // namespace peal
