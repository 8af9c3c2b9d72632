// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/memory/pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

#include "peal/base/alignment.h"
#include "peal/base/memory/machine_memory.h"

// Linux has these since 5.14 and 6.1; the headers of the C library may be older than the kernel.
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace peal {
namespace {

std::uintptr_t down_to(std::uintptr_t multiple, std::uintptr_t address) {
  return address / multiple * multiple;
}

void advise(std::uintptr_t begin, std::uintptr_t end, int advice) {
  ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}
void unmap(std::uintptr_t begin, std::uintptr_t end) {
  if (begin != end) ::munmap(reinterpret_cast<void*>(begin), end - begin);
}

}  // namespace

std::byte* map_shared_file(int file, std::size_t size_bytes) {
  // Reserves enough address space to contain an aligned start, and unmaps the rest on both sides.
  void* const room = ::mmap(nullptr, size_bytes + huge_page_bytes, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return nullptr;
  const std::uintptr_t page = page_size_bytes();
  const auto first = reinterpret_cast<std::uintptr_t>(room);
  const std::uintptr_t last = round_up(first + size_bytes + huge_page_bytes, page);
  const std::uintptr_t begin = round_up(first, huge_page_bytes);
  void* const memory = ::mmap(reinterpret_cast<void*>(begin), size_bytes, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file, 0);
  if (memory == MAP_FAILED) {
    const int refusal = errno;
    unmap(first, last);
    errno = refusal;
    return nullptr;
  }
  unmap(first, begin);
  unmap(round_up(begin + size_bytes, page), last);
  return static_cast<std::byte*>(memory);
}

void prefault(const std::byte* data, std::size_t size_bytes) {
  constexpr std::size_t min_huge_bytes = huge_page_bytes / 4;
  const std::uintptr_t page = page_size_bytes();
  const auto first = reinterpret_cast<std::uintptr_t>(data), last = first + size_bytes;
  if (size_bytes >= min_huge_bytes) {
    const std::uintptr_t begin = down_to(huge_page_bytes, first);
    const std::uintptr_t end = round_up(last, huge_page_bytes);
    // MADV_HUGEPAGE works only if the system's `shmem_enabled` allows it, which by default it does
    // not. MADV_COLLAPSE works regardless of that setting, but needs at least one page to be
    // present in each huge page.
    advise(begin, end, MADV_HUGEPAGE);
    for (std::uintptr_t at = begin; at < end; at += huge_page_bytes) {
      advise(at, at + page, MADV_POPULATE_WRITE);
    }
    advise(begin, end, MADV_COLLAPSE);
  }
  if (size_bytes >= page) advise(down_to(page, first), last, MADV_POPULATE_WRITE);
}

}  // namespace peal
