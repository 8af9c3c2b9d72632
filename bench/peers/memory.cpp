// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <stdexcept>
#include <utility>

namespace peal::peers {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t cache_line = 64;

}  // namespace

Memory::Memory(std::size_t floats, Pages pages)
    : mapped_bytes_(floats * sizeof(float) + 2 * huge_page) {
  mapping_ =
      ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::runtime_error("memory: the system has no more");
  auto begin = reinterpret_cast<std::uintptr_t>(mapping_);
  if (pages == Pages::huge) {
    begin = (begin + huge_page - 1) / huge_page * huge_page;
    ::madvise(reinterpret_cast<void*>(begin), mapped_bytes_ - huge_page, MADV_HUGEPAGE);
  } else {
    begin += cache_line;
  }
  floats_ = {reinterpret_cast<float*>(begin), floats};
}

Memory::Memory(Memory&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_bytes_(other.mapped_bytes_),
      floats_(std::exchange(other.floats_, {})) {}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(floats_, other.floats_);
  return *this;
}

Memory::~Memory() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_bytes_);
}

void Memory::release() const {
  if (mapping_ != nullptr) ::madvise(mapping_, mapped_bytes_, MADV_DONTNEED);
}

}  // namespace peal::peers
