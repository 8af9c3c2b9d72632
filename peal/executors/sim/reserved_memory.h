// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/chip/fabric.h"

namespace peal {

// Pages that are zero and take memory when they are touched; given back at its end.
class ZeroPages {
 public:
  ZeroPages() = default;
  ~ZeroPages();
  ZeroPages(ZeroPages&& other) noexcept;
  ZeroPages& operator=(ZeroPages&& other) noexcept;

  // At this address if it is free and not 0, else anywhere; empty where the system refuses.
  [[nodiscard]] static ZeroPages map(std::size_t size_bytes, std::uintptr_t address = 0);
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// Where the on-chip memory of a run's cores lies if that is free: at a fixed address, so that a run
// does not depend on where the system puts things.
[[nodiscard]] std::uintptr_t on_chip_address();

// One range for the global memory of all ranks, an equal part each, at a fixed address, so that a
// run does not depend on where the system puts things.
class ReservedMemory {
 public:
  // Zero from then on. Throws Error when the address space does not suffice.
  void reserve(int ranks);
  void release();
  // Makes these bytes of every part zero again, and gives their memory back.
  void clear(std::size_t offset, std::size_t size_bytes) const;

  [[nodiscard]] const MemoryMap& map() const { return map_; }
  [[nodiscard]] std::size_t part_bytes() const { return std::size_t{1} << map_.part_shift; }

 private:
  ZeroPages pages_;
  MemoryMap map_;
};

}  // namespace peal
