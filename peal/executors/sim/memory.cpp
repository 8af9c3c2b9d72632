// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "peal/base/alignment.h"
#include "peal/base/error.h"

namespace peal {

void SimMemory::begin_run(int ranks, int cores, std::size_t on_chip_bytes) {
  forget_windows();
  used_ = gap_ = 0;
  on_chip_stride_ = round_up(on_chip_bytes, layout_page_bytes);
  const std::size_t on_chip_total = on_chip_stride_ * static_cast<std::size_t>(cores);
  if (map().ranks == ranks && on_chip_.size_bytes() == on_chip_total) return;
  dirty_ = 0;
  memory_.reserve(ranks);
  on_chip_ = {};
  on_chip_ = ZeroPages::map(on_chip_total, on_chip_address());
  if (on_chip_.data() != nullptr) return;
  memory_.release();
  throw UsageError(
      fmt::format("simulator: the address space for {} cores of {} bytes each cannot be reserved; "
                  "use fewer ranks or raise the limit of `ulimit -v`",
                  cores, on_chip_bytes));
}

void SimMemory::place(SimWindow& window) {
  const std::size_t part_bytes = memory_.part_bytes();
  if (!peal::is_shared(window.kind)) window.skew_bytes = cache_line_bytes;
  const std::size_t skewed = window.skew_bytes * static_cast<std::size_t>(map().ranks - 1);
  if (window.size_bytes > part_bytes - used_ || skewed > part_bytes - used_ - window.size_bytes) {
    throw UsageError(fmt::format(
        "window `{}` of {} bytes does not fit into the {} bytes that are left of a simulated "
        "rank's {}; use fewer ranks or smaller buffers",
        window.name, window.size_bytes, part_bytes - used_, part_bytes));
  }
  window.offset = used_;
  const std::size_t rounded = in_cache_lines(window.size_bytes) + skewed;
  // Memory from `dirty_` on was never used, and is zero.
  if (window.offset < dirty_) {
    memory_.clear(window.offset, std::min(rounded, dirty_ - window.offset));
  }
  used_ = std::min(part_bytes, used_ + rounded + gap_);
  dirty_ = std::max(dirty_, used_);
}

// Windows are in ascending order of offset, because they are allocated upwards.
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
  const auto rank = static_cast<int>(offset >> map().part_shift);
  // A skewed window starts later on higher ranks; the bytes before its start belong to no window.
  if (inside < window.offset_on(rank)) return {};
  return {&window, rank, inside - window.offset_on(rank)};
}

bool SimMemory::holds(const void* address, std::size_t size_bytes) const {
  const Located at = locate(address);
  return at.window != nullptr && at.offset <= at.window->size_bytes &&
         size_bytes <= at.window->size_bytes - at.offset;
}

std::optional<Region> SimMemory::find(const void* address) const {
  const Located at = locate(address);
  if (at.window == nullptr) return std::nullopt;
  return Region{at.window->name, at.rank, this->address(*at.window, at.rank), at.window->size_bytes,
                at.window->kind};
}

bool SimMemory::is_shared(const void* address) const {
  const Located at = locate(address);
  return at.window != nullptr && at.offset < at.window->size_bytes &&
         peal::is_shared(at.window->kind);
}

// The initial value of each word of a window; for one that the host has filled, of its first word.
static std::int64_t first_word(const SimWindow& window, const std::byte* data,
                               std::uint32_t signal_start) {
  if (window.kind == RegionKind::signals) return signal_start;
  std::uint32_t word = 0;
  if (window.is_filled && window.size_bytes >= sizeof(word)) {
    std::memcpy(&word, data, sizeof(word));
  }
  return word;
}

void report_window(const SimWindow& window, int rank, std::uint32_t signal_start,
                   const Fabric& fabric) {
  if (!fabric.observed()) return;
  const MemoryMap& map = fabric.memory();
  const std::byte* const data = map.translate(map.base, 0, rank) + window.offset_on(rank);
  fabric.emit({.kind = EventKind::region,
               .region = window.kind,
               .polled = window.is_filled,
               .rank = rank,
               .peer = rank,
               .number = window.argument,
               .address = reinterpret_cast<std::uint64_t>(data),
               .size_bytes = window.size_bytes,
               .value = first_word(window, data, signal_start),
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
