// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "peal/base/memory/free_ranges.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/run/device_driver.h"

namespace peal {

// The allocator of device memory for a worker whose devices are processes. An allocation lies at
// one offset in the parts of one or several devices; allocations are freed in any order.
class ShmDeviceMemory {
 public:
  // Manages the first `size_bytes` of every part. The arena must outlive this object.
  ShmDeviceMemory(const ShmArena& arena, std::size_t size_bytes)
      : arena_(arena), size_bytes_(size_bytes), free_(size_bytes) {}

  // Returns zeroed, 64-byte aligned memory. Throws Error if too little is left.
  [[nodiscard]] DeviceMemory allocate(const DeviceMemoryRequest& request);
  // Zeroes and frees what allocate() returned.
  void free(const DeviceMemory& memory);

 private:
  struct Allocation {
    std::vector<int> devices;
    std::size_t size_bytes = 0, extent_bytes = 0;
  };

  const ShmArena& arena_;
  std::size_t size_bytes_;
  FreeRanges free_;
  std::map<std::size_t, Allocation> allocations_;  // by offset
};

}  // namespace peal
