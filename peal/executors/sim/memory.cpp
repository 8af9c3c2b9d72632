// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "peal/base/error.h"

namespace peal {
namespace {

// Fixed addresses, so that a run does not depend on where the system puts things; ThreadSanitizer
// knows only some ranges.
#if defined(__SANITIZE_THREAD__)
#define PEAL_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PEAL_THREAD_SANITIZED 1
#endif
#endif
#ifdef PEAL_THREAD_SANITIZED
constexpr std::uintptr_t preferred_base = std::uintptr_t{64} << 30;
constexpr unsigned most_bits = 37;
#else
constexpr std::uintptr_t preferred_base = std::uintptr_t{32} << 40;
constexpr unsigned most_bits = 44;
#endif
constexpr unsigned most_part_bits = 36;
constexpr unsigned least_part_bits = 20;
constexpr std::size_t memset_limit = std::size_t{64} * 1024;

std::byte* map_pages(std::uintptr_t address, std::size_t size_bytes) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* memory = MAP_FAILED;
  if (address != 0) {
    memory = ::mmap(reinterpret_cast<void*>(address), size_bytes, PROT_READ | PROT_WRITE,
                    flags | MAP_FIXED_NOREPLACE, -1, 0);
  }
  if (memory == MAP_FAILED) {  // another run of this process lies there
    memory = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  }
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

}  // namespace

SimMemory::~SimMemory() { release(); }

void SimMemory::release() {
  if (map_.base != nullptr) ::munmap(map_.base, reserved_bytes_);
  if (on_chip_ != nullptr) ::munmap(on_chip_, on_chip_reserved_);
  map_ = {};
  on_chip_ = nullptr;
  used_ = dirty_ = 0;
}

void SimMemory::begin_run(int ranks, int cores, std::size_t on_chip_bytes) {
  windows_.clear();
  used_ = gap_ = 0;
  on_chip_stride_ = (on_chip_bytes + 4095) / 4096 * 4096;
  const std::size_t on_chip_total = on_chip_stride_ * static_cast<std::size_t>(cores);
  if (map_.ranks != ranks || on_chip_reserved_ != on_chip_total) {
    release();
    reserve(ranks, on_chip_total);
  }
}

void SimMemory::reserve(int ranks, std::size_t on_chip_bytes) {
  const auto rank_bits = static_cast<unsigned>(std::bit_width(static_cast<unsigned>(ranks - 1)));
  CHECK(rank_bits + least_part_bits <= most_bits);
  unsigned part_bits = std::min(most_part_bits, most_bits - rank_bits);
  for (; part_bits >= least_part_bits && map_.base == nullptr; --part_bits) {
    reserved_bytes_ = static_cast<std::size_t>(ranks) << part_bits;
    map_ = {map_pages(preferred_base, reserved_bytes_), part_bits, ranks};
  }
  on_chip_reserved_ = on_chip_bytes;
  on_chip_ = map_pages(0, on_chip_bytes);
  if (map_.base == nullptr || on_chip_ == nullptr) {
    release();
    throw Error(fmt::format(
        "simulator: the address space for {} ranks cannot be reserved; use fewer ranks or raise "
        "the limit of `ulimit -v`",
        ranks));
  }
}

const SimMemory::Window& SimMemory::window(std::size_t index, std::string_view name,
                                           std::size_t size_bytes, int rank, RegionKind kind) {
  if (index < windows_.size()) {
    const Window& known = windows_[index];
    if (known.name != name || known.size_bytes != size_bytes) {
      throw Error(fmt::format(
          "window `{}` of {} bytes is allocation {} of rank {}, but another rank's is `{}` of {} "
          "bytes; make the same allocations in the same order on every rank",
          name, size_bytes, index, rank, known.name, known.size_bytes));
    }
    return known;
  }
  CHECK(index == windows_.size());
  const std::size_t part_bytes = std::size_t{1} << map_.part_shift;
  if (size_bytes > part_bytes - used_) {
    throw Error(fmt::format(
        "window `{}` of {} bytes does not fit into the {} bytes that are left of a simulated "
        "rank's {}; use fewer ranks or smaller buffers",
        name, size_bytes, part_bytes - used_, part_bytes));
  }
  const std::size_t rounded = (size_bytes + 63) / 64 * 64;
  clear(used_, rounded);
  windows_.push_back({std::string(name), used_, size_bytes, kind});
  used_ = std::min(part_bytes, used_ + rounded + gap_);
  dirty_ = std::max(dirty_, used_);
  return windows_.back();
}

// Memory that no earlier run has had is zero already.
void SimMemory::clear(std::size_t offset, std::size_t size_bytes) {
  const std::size_t end = std::min(offset + size_bytes, dirty_);
  if (end <= offset) return;
  for (int rank = 0; rank < map_.ranks; ++rank) {
    std::byte* part = map_.base + (static_cast<std::size_t>(rank) << map_.part_shift);
    if (end - offset <= memset_limit) {
      std::memset(part + offset, 0, end - offset);
      continue;
    }
    const std::size_t first_page = (offset + 4095) / 4096 * 4096, last_page = end / 4096 * 4096;
    std::memset(part + offset, 0, first_page - offset);
    std::memset(part + last_page, 0, end - last_page);
    if (::madvise(part + first_page, last_page - first_page, MADV_DONTNEED) != 0) {
      std::memset(part + first_page, 0, last_page - first_page);
    }
  }
}

SimMemory::Located SimMemory::locate(const void* address) const {
  const auto offset =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(map_.base);
  if (offset >= reserved_bytes_) return {};
  const std::size_t inside = offset & ((std::size_t{1} << map_.part_shift) - 1);
  const auto after = std::upper_bound(
      windows_.begin(), windows_.end(), inside,
      [](std::size_t place, const Window& window) { return place < window.offset; });
  if (after == windows_.begin()) return {};
  const Window& window = *std::prev(after);
  return {&window, static_cast<int>(offset >> map_.part_shift), inside - window.offset};
}

bool SimMemory::holds(const void* address, std::size_t size_bytes) const {
  const Located at = locate(address);
  return at.window != nullptr && at.offset <= at.window->size_bytes &&
         size_bytes <= at.window->size_bytes - at.offset;
}

std::optional<Region> SimMemory::find(const void* address) const {
  const Located at = locate(address);
  if (at.window == nullptr) return std::nullopt;
  return Region{at.window->name, at.rank, map_.translate(map_.base, 0, at.rank) + at.window->offset,
                at.window->size_bytes};
}

void SimMemory::report(const Window& window, std::uint32_t signal_start,
                       const Fabric& fabric) const {
  if (!fabric.observed()) return;
  for (int rank = 0; rank < map_.ranks; ++rank) {
    const std::byte* const data = map_.translate(map_.base, 0, rank) + window.offset;
    fabric.emit({.kind = EventKind::region,
                 .region = window.kind,
                 .rank = rank,
                 .peer = rank,
                 .address = reinterpret_cast<std::uint64_t>(data),
                 .size_bytes = window.size_bytes,
                 .value = window.kind == RegionKind::signals ? signal_start : 0,
                 .name = window.name.c_str()});
  }
}

void SimMemory::report_on_chip(int core, int rank, std::size_t size_bytes,
                               const Fabric& fabric) const {
  if (!fabric.observed()) return;
  fabric.emit({.kind = EventKind::region,
               .region = RegionKind::on_chip,
               .rank = rank,
               .core = core,
               .peer = rank,
               .address = reinterpret_cast<std::uint64_t>(on_chip(core)),
               .size_bytes = size_bytes,
               .name = "on-chip memory"});
}

const SimMemory::Window* SimMemory::window_at(const void* address) const {
  const Located at = locate(address);
  return at.window != nullptr && at.offset < at.window->size_bytes ? at.window : nullptr;
}

}  // namespace peal
