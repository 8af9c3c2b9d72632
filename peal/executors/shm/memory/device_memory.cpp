// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/memory/device_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "peal/base/alignment.h"
#include "peal/base/error.h"
#include "peal/executors/shm/memory/pages.h"

namespace peal {

DeviceMemory ShmDeviceMemory::allocate(const DeviceMemoryRequest& request) {
  if (request.size_bytes > size_bytes_) {
    throw UsageError(
        fmt::format("`{}` of {} bytes is more than the {} of a device's memory; use smaller "
                    "buffers or fewer devices",
                    request.name, request.size_bytes, size_bytes_));
  }
  // An allocation of 0 bytes still needs an offset of its own, which is its id.
  const std::size_t extent = in_cache_lines(std::max<std::size_t>(1, request.size_bytes));
  const std::optional<std::size_t> offset = free_.take(extent);
  if (!offset) {
    throw UsageError(
        fmt::format("`{}` of {} bytes does not fit into the {} bytes that are left of a device's "
                    "{}; free buffers, or use smaller ones or fewer devices",
                    request.name, request.size_bytes, free_.untouched_bytes(), size_bytes_));
  }
  // A larger allocation may be used only in part, so its pages are left to first touch.
  constexpr std::size_t max_taken_bytes = std::size_t{1} << 30;
  if (request.size_bytes <= max_taken_bytes) {
    for (int device : request.devices) {
      prefault(arena_.part(device) + *offset, request.size_bytes);
    }
  }
  allocations_[*offset] = {request.devices, request.size_bytes, extent};
  return {.id = *offset,
          .first = arena_.part(0) + *offset,
          .stride = static_cast<std::ptrdiff_t>(arena_.part_bytes())};
}

void ShmDeviceMemory::free(const DeviceMemory& memory) {
  const auto found = allocations_.find(memory.id);
  PEAL_CHECK(found != allocations_.end());
  const Allocation& gone = found->second;
  if (arena_.is_mapped()) {  // false in a process that the worker's process has forked
    for (int device : gone.devices) arena_.clear(device, memory.id, gone.size_bytes);
  }
  free_.give(memory.id, gone.extent_bytes);
  allocations_.erase(found);
}

}  // namespace peal
