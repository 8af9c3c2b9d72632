// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/worker/device_heap.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "peal/base/alignment.h"
#include "peal/base/error.h"

namespace peal {
namespace {

constexpr std::size_t gap_bytes = std::size_t{64} * 1024;

std::size_t in_pages(std::size_t size_bytes) { return round_up(size_bytes, layout_page_bytes); }

ReservedMemory reserved(int devices) {
  ReservedMemory memory;
  memory.reserve(devices);
  return memory;
}

}  // namespace

DeviceHeap::DeviceHeap(int devices) : memory_(reserved(devices)), free_(memory_.part_bytes()) {}

std::size_t DeviceHeap::allocate(const DeviceMemoryRequest& request) {
  if (request.size_bytes > memory_.part_bytes()) {
    throw UsageError(
        fmt::format("`{}` of {} bytes is more than the {} of a simulated device's memory; "
                    "use smaller buffers or fewer devices",
                    request.name, request.size_bytes, memory_.part_bytes()));
  }
  const std::size_t extent = in_pages(request.size_bytes) + gap_bytes;
  const std::size_t offset = take(extent, request);
  Allocation& made = allocations_[offset];
  made.window = {request.name, offset, request.size_bytes, request.kind};
  made.devices = request.devices;
  made.extent_bytes = extent;
  return offset;
}

std::size_t DeviceHeap::take(std::size_t extent, const DeviceMemoryRequest& request) {
  const std::optional<std::size_t> offset = free_.take(extent);
  if (offset) return *offset;
  throw UsageError(fmt::format(
      "`{}` of {} bytes does not fit into the {} bytes that are left of a simulated device's {}; "
      "free buffers, or use smaller ones or fewer devices",
      request.name, request.size_bytes, free_.untouched_bytes(), memory_.part_bytes()));
}

void DeviceHeap::free(std::size_t offset) {
  const auto found = allocations_.find(offset);
  PEAL_CHECK(found != allocations_.end());
  const Allocation& gone = found->second;
  // Zeroes the gap, too: programs may have written there by mistake.
  for (int device : gone.devices) {
    std::byte* const data = map().translate(map().base, 0, device) + offset;
    if (::madvise(data, gone.extent_bytes, MADV_DONTNEED) != 0) {
      std::memset(data, 0, gone.extent_bytes);
    }
  }
  free_.give(offset, gone.extent_bytes);
  allocations_.erase(found);
}

std::optional<Region> DeviceHeap::find(const void* address) const {
  const auto place =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(map().base);
  const std::uintptr_t device = place >> map().part_shift;
  if (device >= static_cast<std::uintptr_t>(map().ranks)) return std::nullopt;
  const auto own = static_cast<int>(device);
  const std::size_t inside = place & (memory_.part_bytes() - 1);
  // Searches downwards for the last allocation on this device, past those of other devices. If the
  // address lies inside one of those, it belongs to no buffer of this device.
  for (auto at = allocations_.upper_bound(inside); at != allocations_.begin();) {
    const Allocation& candidate = (--at)->second;
    if (std::find(candidate.devices.begin(), candidate.devices.end(), own) ==
        candidate.devices.end()) {
      if (inside < at->first + candidate.extent_bytes) return std::nullopt;
      continue;
    }
    return Region{candidate.window.name, own, map().translate(map().base, 0, own) + at->first,
                  candidate.window.size_bytes, candidate.window.kind};
  }
  return std::nullopt;
}

bool DeviceHeap::is_shared(const void* address) const {
  const std::optional<Region> region = find(address);
  return region && static_cast<const std::byte*>(address) < region->data + region->size_bytes &&
         peal::is_shared(region->kind);
}

bool DeviceHeap::holds(const void* address, std::size_t size_bytes) const {
  const std::optional<Region> region = find(address);
  if (!region) return false;
  const auto offset =
      static_cast<std::size_t>(static_cast<const std::byte*>(address) - region->data);
  return offset <= region->size_bytes && size_bytes <= region->size_bytes - offset;
}

}  // namespace peal
