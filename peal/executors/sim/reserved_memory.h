// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/chip/fabric.h"

namespace peal {

// An anonymous mapping: zero pages that use memory once touched. Unmapped by the destructor.
class ZeroPages {
 public:
  ZeroPages() = default;
  ~ZeroPages();
  ZeroPages(ZeroPages&& other) noexcept;
  ZeroPages& operator=(ZeroPages&& other) noexcept;

  // Maps at `address` if that is not 0 and the range is free, else at an address of the system's
  // choice. Returns an empty object if the system refuses.
  [[nodiscard]] static ZeroPages map(std::size_t size_bytes, std::uintptr_t address = 0);
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// The preferred address of the on-chip memory of a run's cores. Fixed, so that addresses, and all
// that depends on them, are the same in every run.
[[nodiscard]] std::uintptr_t on_chip_address();

// The address range of the global memory of all ranks: one part of equal power-of-two size for
// each. At a fixed address where that is free, for the same reason.
class ReservedMemory {
 public:
  // Reserves zeroed parts as large as the system grants, from 1 MiB to 64 GiB. Throws Error when
  // the address space does not suffice.
  void reserve(int ranks);
  void release();
  // Zeroes these bytes of every part; of large ranges, whole pages are returned to the system.
  void clear(std::size_t offset, std::size_t size_bytes) const;

  [[nodiscard]] const MemoryMap& map() const { return map_; }
  [[nodiscard]] std::size_t part_bytes() const { return std::size_t{1} << map_.part_shift; }

 private:
  ZeroPages pages_;
  MemoryMap map_;
};

}  // namespace peal
