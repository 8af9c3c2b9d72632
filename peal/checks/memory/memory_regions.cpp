// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/memory_regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace peal {

void MemoryRegions::add(const Event& event) {
  const std::uint64_t end = event.address + event.size_bytes;
  const bool is_on_chip = event.region == RegionKind::on_chip;
  by_begin_[event.address] = {event.name,
                              event.region,
                              event.peer,
                              is_on_chip ? cores_of_rank_[event.peer]++ : 0,
                              event.address,
                              end,
                              static_cast<std::uint32_t>(event.value),
                              event.polled,
                              event.number};
  if (is_on_chip) return;
  shared_begin_ = std::min(shared_begin_, event.address);
  shared_end_ = std::max(shared_end_, end);
}

const MemoryRegions::Region* MemoryRegions::before(std::uint64_t address) const {
  const auto after = by_begin_.upper_bound(address);
  return after == by_begin_.begin() ? nullptr : &std::prev(after)->second;
}

const MemoryRegions::Region* MemoryRegions::find(std::uint64_t address) const {
  const Region*& last = last_[(address >> page_bits) * multiplier >> (64 - last_bits)];
  if (last != nullptr && address >= last->begin && address < last->end) return last;
  const Region* const found = before(address);
  if (found == nullptr || address >= found->end) return nullptr;
  last = found;
  return found;
}

std::string MemoryRegions::describe(std::uint64_t begin, std::uint64_t end, int rank) const {
  const Region* const region = find(begin);
  if (region == nullptr)
    return fmt::format("{} bytes of private memory of {}", end - begin, name_of_(rank));
  if (region->kind == RegionKind::on_chip) {
    return fmt::format("on-chip memory of {} core {}, bytes {}..{}", name_of_(region->rank),
                       region->core, begin - region->begin, end - region->begin);
  }
  const bool is_array = region->kind != RegionKind::window && region->kind != RegionKind::signals;
  return fmt::format("{}`{}` of {}, bytes {}..{}", is_array ? "" : "window ", region->name,
                     name_of_(region->rank), begin - region->begin, end - region->begin);
}

}  // namespace peal
