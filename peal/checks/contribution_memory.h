// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "peal/machine/event.h"

namespace peal {

// For each element of memory a fingerprint of what it was made from. Pages hold elements of one
// size; bytes that are looked at with another size are unknown.
class ContributionMemory {
 public:
  static constexpr std::uint64_t nothing = 0;           // a constant, or what memory holds at first
  static constexpr std::uint64_t unknown = UINT64_MAX;  // not followed

  // The elements of all areas, one after the other.
  void gather(std::span<const Footprint> areas, std::vector<std::uint64_t>& elements) const;
  // The same the other way; missing elements are unknown.
  void scatter(std::span<const Footprint> areas, std::span<const std::uint64_t> elements);
  void forget(std::uint64_t address, std::uint64_t size_bytes);

 private:
  static constexpr std::uint64_t page_bytes = 4096;
  struct Page {
    std::uint32_t element_bytes = 0;
    std::vector<std::uint64_t> elements;
  };
  Page& page(std::uint64_t number, std::uint32_t element_bytes);
  [[nodiscard]] const Page* find(std::uint64_t number) const;

  std::unordered_map<std::uint64_t, Page> pages_;
  mutable std::uint64_t last_number_ = UINT64_MAX;
  mutable const Page* last_ = nullptr;
};

}  // namespace peal
