// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

// Of Linux 5.14 and 6.1; the C library's headers may be older than the system.
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace peal {
namespace {

constexpr std::uintptr_t page_bytes = 4096;

std::uintptr_t down_to(std::uintptr_t multiple, std::uintptr_t address) {
  return address / multiple * multiple;
}

void advise(std::uintptr_t begin, std::uintptr_t end, int advice) {
  ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

std::byte* map_shared_file(int file, std::size_t size_bytes) {
  void* const space = ::mmap(nullptr, size_bytes + huge_page_bytes, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return nullptr;
  const auto first = reinterpret_cast<std::uintptr_t>(space);
  const std::uintptr_t begin = down_to(huge_page_bytes, first + huge_page_bytes - 1);
  const std::uintptr_t end = begin + down_to(page_bytes, size_bytes + page_bytes - 1);
  void* const memory = ::mmap(reinterpret_cast<void*>(begin), size_bytes, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file, 0);
  const int refusal = errno;
  const bool is_mapped = memory != MAP_FAILED;
  if (begin != first) ::munmap(space, begin - first);
  const std::uintptr_t kept = is_mapped ? end : begin;
  if (first + size_bytes + huge_page_bytes > kept) {
    ::munmap(reinterpret_cast<void*>(kept), first + size_bytes + huge_page_bytes - kept);
  }
  errno = refusal;
  return is_mapped ? static_cast<std::byte*>(memory) : nullptr;
}

void take_pages(const std::byte* data, std::size_t size_bytes) {
  constexpr std::size_t least_huge_bytes = huge_page_bytes / 4;
  const auto first = reinterpret_cast<std::uintptr_t>(data), last = first + size_bytes;
  if (size_bytes >= least_huge_bytes) {
    const std::uintptr_t begin = down_to(huge_page_bytes, first);
    const std::uintptr_t end = down_to(huge_page_bytes, last + huge_page_bytes - 1);
    // Asking for huge pages beforehand is heeded only where `shmem_enabled` of the system says so,
    // which as installed it does not. Small pages can be made a huge one everywhere, if there is
    // at least one.
    advise(begin, end, MADV_HUGEPAGE);
    for (std::uintptr_t at = begin; at < end; at += huge_page_bytes) {
      advise(at, at + page_bytes, MADV_POPULATE_WRITE);
    }
    advise(begin, end, MADV_COLLAPSE);
  }
  if (size_bytes >= page_bytes) advise(down_to(page_bytes, first), last, MADV_POPULATE_WRITE);
}

}  // namespace peal
