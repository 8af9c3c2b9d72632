// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "peal/base/error.h"

namespace peal {

void SimMemory::begin_run(int ranks, int cores, std::size_t on_chip_bytes) {
  forget_windows();
  used_ = gap_ = 0;
  on_chip_stride_ = (on_chip_bytes + 4095) / 4096 * 4096;
  const std::size_t on_chip_total = on_chip_stride_ * static_cast<std::size_t>(cores);
  if (map().ranks == ranks && on_chip_.size_bytes() == on_chip_total) return;
  dirty_ = 0;
  memory_.reserve(ranks);
  on_chip_ = {};
  on_chip_ = ZeroPages::map(on_chip_total, on_chip_address());
  if (on_chip_.data() != nullptr) return;
  memory_.release();
  throw Error(
      fmt::format("simulator: the address space for {} cores of {} bytes each cannot be reserved; "
                  "use fewer ranks or raise the limit of `ulimit -v`",
                  cores, on_chip_bytes));
}

std::size_t SimMemory::place(std::string_view name, std::size_t size_bytes, RegionKind) {
  const std::size_t part_bytes = memory_.part_bytes();
  if (size_bytes > part_bytes - used_) {
    throw Error(fmt::format(
        "window `{}` of {} bytes does not fit into the {} bytes that are left of a simulated "
        "rank's {}; use fewer ranks or smaller buffers",
        name, size_bytes, part_bytes - used_, part_bytes));
  }
  const std::size_t offset = used_, rounded = (size_bytes + 63) / 64 * 64;
  // Memory that no earlier run has had is zero already.
  if (offset < dirty_) memory_.clear(offset, std::min(rounded, dirty_ - offset));
  used_ = std::min(part_bytes, used_ + rounded + gap_);
  dirty_ = std::max(dirty_, used_);
  return offset;
}

SimMemory::Located SimMemory::locate(const void* address) const {
  const auto offset =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(map().base);
  if (offset >> map().part_shift >= static_cast<std::size_t>(map().ranks)) return {};
  const std::size_t inside = offset & (memory_.part_bytes() - 1);
  const auto after = std::upper_bound(
      windows().begin(), windows().end(), inside,
      [](std::size_t place, const SimWindow& window) { return place < window.offset; });
  if (after == windows().begin()) return {};
  const SimWindow& window = *std::prev(after);
  return {&window, static_cast<int>(offset >> map().part_shift), inside - window.offset};
}

bool SimMemory::holds(const void* address, std::size_t size_bytes) const {
  const Located at = locate(address);
  return at.window != nullptr && at.offset <= at.window->size_bytes &&
         size_bytes <= at.window->size_bytes - at.offset;
}

std::optional<Region> SimMemory::find(const void* address) const {
  const Located at = locate(address);
  if (at.window == nullptr) return std::nullopt;
  return Region{at.window->name, at.rank,
                map().translate(map().base, 0, at.rank) + at.window->offset, at.window->size_bytes};
}

void report_window(const SimWindow& window, int rank, std::uint32_t signal_start,
                   const Fabric& fabric) {
  if (!fabric.observed()) return;
  const MemoryMap& map = fabric.memory();
  const std::byte* const data = map.translate(map.base, 0, rank) + window.offset;
  fabric.emit({.kind = EventKind::region,
               .region = window.kind,
               .rank = rank,
               .peer = rank,
               .address = reinterpret_cast<std::uint64_t>(data),
               .size_bytes = window.size_bytes,
               .value = window.kind == RegionKind::signals ? signal_start : 0,
               .name = window.name.c_str()});
}

void report_on_chip(int core, int rank, const std::byte* data, std::size_t size_bytes,
                    const Fabric& fabric) {
  if (!fabric.observed()) return;
  fabric.emit({.kind = EventKind::region,
               .region = RegionKind::on_chip,
               .rank = rank,
               .core = core,
               .peer = rank,
               .address = reinterpret_cast<std::uint64_t>(data),
               .size_bytes = size_bytes,
               .name = "on-chip memory"});
}

}  // namespace peal
