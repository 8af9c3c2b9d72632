// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/contribution_memory.h"

#include <algorithm>

namespace peal {
namespace {

// Calls `visit(page, first byte in it, bytes)` for the parts of each row of an area.
template <class Visit>
void each_part(const Footprint& area, std::uint64_t page_bytes, Visit&& visit) {
  for (std::uint32_t row = 0; row < area.rows; ++row) {
    std::uint64_t at = area.address + row * area.stride_bytes;
    for (const std::uint64_t end = at + area.row_bytes; at < end;) {
      const std::uint64_t within = at % page_bytes;
      const std::uint64_t bytes = std::min(end - at, page_bytes - within);
      visit(at / page_bytes, within, bytes);
      at += bytes;
    }
  }
}

}  // namespace

const ContributionMemory::Page* ContributionMemory::find(std::uint64_t number) const {
  if (number == last_number_) return last_;
  const auto found = pages_.find(number);
  if (found == pages_.end()) return nullptr;
  last_number_ = number;
  last_ = &found->second;  // an element of an unordered_map stays where it is
  return last_;
}

ContributionMemory::Page& ContributionMemory::page(std::uint64_t number,
                                                   std::uint32_t element_bytes) {
  Page& page = pages_[number];
  if (page.element_bytes != element_bytes) {
    const bool is_new = page.element_bytes == 0;
    page.element_bytes = element_bytes;
    page.elements.assign(page_bytes / element_bytes, is_new ? nothing : unknown);
  }
  return page;
}

void ContributionMemory::gather(std::span<const Footprint> areas,
                                std::vector<std::uint64_t>& elements) const {
  elements.clear();
  for (const Footprint& area : areas) {
    each_part(
        area, page_bytes, [&](std::uint64_t number, std::uint64_t begin, std::uint64_t bytes) {
          const Page* const page = find(number);
          const std::uint64_t count = bytes / area.element_bytes;
          if (page == nullptr) {
            elements.insert(elements.end(), count, nothing);
          } else if (page->element_bytes != area.element_bytes) {
            elements.insert(elements.end(), count, unknown);
          } else {
            const auto first =
                page->elements.begin() + static_cast<std::ptrdiff_t>(begin / area.element_bytes);
            elements.insert(elements.end(), first, first + static_cast<std::ptrdiff_t>(count));
          }
        });
  }
}

void ContributionMemory::scatter(std::span<const Footprint> areas,
                                 std::span<const std::uint64_t> elements) {
  std::size_t next = 0;
  for (const Footprint& area : areas) {
    each_part(area, page_bytes,
              [&](std::uint64_t number, std::uint64_t begin, std::uint64_t bytes) {
                Page& to = page(number, area.element_bytes);
                const std::uint64_t first = begin / area.element_bytes,
                                    count = bytes / area.element_bytes;
                const std::uint64_t given = std::min<std::uint64_t>(count, elements.size() - next);
                std::copy_n(elements.begin() + static_cast<std::ptrdiff_t>(next), given,
                            to.elements.begin() + static_cast<std::ptrdiff_t>(first));
                std::fill_n(to.elements.begin() + static_cast<std::ptrdiff_t>(first + given),
                            count - given, unknown);
                next += given;
              });
  }
}

void ContributionMemory::forget(std::uint64_t address, std::uint64_t size_bytes) {
  const Footprint area{.address = address, .row_bytes = size_bytes, .stride_bytes = size_bytes};
  each_part(area, page_bytes, [&](std::uint64_t number, std::uint64_t begin, std::uint64_t bytes) {
    const auto found = pages_.find(number);
    if (found == pages_.end()) return;
    Page& page = found->second;
    const std::uint64_t first = begin / page.element_bytes;
    const std::uint64_t last = (begin + bytes + page.element_bytes - 1) / page.element_bytes;
    std::fill(page.elements.begin() + static_cast<std::ptrdiff_t>(first),
              page.elements.begin() + static_cast<std::ptrdiff_t>(last), unknown);
  });
}

}  // namespace peal
