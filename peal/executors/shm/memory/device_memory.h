// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "peal/base/memory/free_ranges.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/run/device_driver.h"

namespace peal {

// The memory of devices that are processes, from which allocations are made and given back in any
// order, each at one offset on one or several devices.
class ShmDeviceMemory {
 public:
  // The first bytes of every part of the arena.
  ShmDeviceMemory(const ShmArena& arena, std::size_t size_bytes)
      : arena_(arena), size_bytes_(size_bytes), free_(size_bytes) {}

  // Zeroed, 64-byte aligned. Throws Error when the memory does not suffice.
  [[nodiscard]] DeviceMemory allocate(const DeviceMemoryRequest& request);
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
