// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace peal::peers {

enum class Pages { plain, huge };

// Zeroed private memory of a process. Huge pages are asked for by MADV_HUGEPAGE, at an address that
// is a multiple of 2 MiB; plain memory begins where malloc would begin a large one, rounded up to a
// cache line.
class Memory {
 public:
  Memory() = default;
  Memory(std::size_t floats, Pages pages);
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;
  ~Memory();

  [[nodiscard]] std::span<float> floats() const { return floats_; }
  // Gives the pages back to the system until they are touched again.
  void release() const;

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::span<float> floats_;
};

}  // namespace peal::peers
