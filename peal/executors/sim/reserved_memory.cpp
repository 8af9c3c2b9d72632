// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/reserved_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "peal/base/alignment.h"
#include "peal/base/error.h"
#include "peal/base/sanitizers.h"

namespace peal {
namespace {

// Fixed addresses keep runs reproducible. Under ThreadSanitizer they have to lie in the few ranges
// that its shadow mapping supports.
constexpr std::uintptr_t preferred_base =
    is_thread_sanitized ? std::uintptr_t{64} << 30 : std::uintptr_t{32} << 40;
constexpr unsigned max_bits = is_thread_sanitized ? 37 : 44;
constexpr unsigned max_part_bits = 36;
constexpr unsigned min_part_bits = 20;

}  // namespace

ZeroPages::~ZeroPages() {
  if (data_ != nullptr) ::munmap(data_, size_bytes_);
}

ZeroPages::ZeroPages(ZeroPages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

ZeroPages& ZeroPages::operator=(ZeroPages&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

ZeroPages ZeroPages::map(std::size_t size_bytes, std::uintptr_t address) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* memory = MAP_FAILED;
  if (address != 0) {
    memory = ::mmap(reinterpret_cast<void*>(address), size_bytes, PROT_READ | PROT_WRITE,
                    flags | MAP_FIXED_NOREPLACE, -1, 0);
  }
  if (memory == MAP_FAILED) {  // such as when another simulation of this process lies there
    memory = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  }
  ZeroPages pages;
  if (memory == MAP_FAILED) return pages;
  pages.data_ = static_cast<std::byte*>(memory);
  pages.size_bytes_ = size_bytes;
  return pages;
}

std::uintptr_t on_chip_address() { return preferred_base + (std::uintptr_t{1} << max_bits); }

// Halves the size of a part until the system grants the reservation. MAP_NORESERVE makes it cost
// address space only.
void ReservedMemory::reserve(int ranks) {
  release();
  const auto rank_bits = static_cast<unsigned>(std::bit_width(static_cast<unsigned>(ranks - 1)));
  PEAL_CHECK(rank_bits + min_part_bits <= max_bits);
  unsigned part_bits = std::min(max_part_bits, max_bits - rank_bits);
  for (; part_bits >= min_part_bits && map_.base == nullptr; --part_bits) {
    pages_ = ZeroPages::map(static_cast<std::size_t>(ranks) << part_bits, preferred_base);
    map_ = {pages_.data(), part_bits, ranks};
  }
  if (map_.base != nullptr) return;
  release();
  throw UsageError(
      fmt::format("simulator: the address space for {} ranks cannot be reserved; use fewer ranks "
                  "or raise the limit of `ulimit -v`",
                  ranks));
}

void ReservedMemory::release() {
  pages_ = {};
  map_ = {};
}

// MADV_DONTNEED drops the pages of a private anonymous mapping, which read as zero when touched
// again. Small ranges are cheaper to overwrite, and partial pages at both ends have to be.
void ReservedMemory::clear(std::size_t offset, std::size_t size_bytes) const {
  constexpr std::size_t memset_limit = std::size_t{64} * 1024;
  const std::size_t end = offset + size_bytes;
  for (int rank = 0; rank < map_.ranks; ++rank) {
    std::byte* const part = map_.base + (static_cast<std::size_t>(rank) << map_.part_shift);
    if (size_bytes <= memset_limit) {
      std::memset(part + offset, 0, size_bytes);
      continue;
    }
    const std::size_t first_page = round_up(offset, layout_page_bytes),
                      last_page = end / layout_page_bytes * layout_page_bytes;
    std::memset(part + offset, 0, first_page - offset);
    std::memset(part + last_page, 0, end - last_page);
    if (::madvise(part + first_page, last_page - first_page, MADV_DONTNEED) != 0) {
      std::memset(part + first_page, 0, last_page - first_page);
    }
  }
}

}  // namespace peal
