// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace peal::peers {

enum class Pages { plain, huge };

// Zeroed private memory of a process. Huge pages are requested by MADV_HUGEPAGE, at an address that
// is a multiple of 2 MiB. Plain memory begins at the address that malloc would return for a large
// allocation, rounded up to a cache line.
class Memory {
 public:
  Memory() = default;
  Memory(std::size_t floats, Pages pages);
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;
  ~Memory();

  [[nodiscard]] std::span<float> floats() const { return floats_; }
  // Returns the pages to the system; they come back, zeroed, when they are touched.
  void release() const;

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::span<float> floats_;
};

}  // namespace peal::peers
