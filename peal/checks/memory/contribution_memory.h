// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Elements in a row of which each is made from the same contributors' elements `element`,
// `element` + 1, ...
struct ContributionRun {
  static constexpr std::uint64_t nothing = 0;           // constants, or what memory holds at first
  static constexpr std::uint64_t unknown = UINT64_MAX;  // not followed
  static constexpr std::uint64_t mixed = UINT64_MAX - 1;  // made from different elements

  std::uint64_t contributors = nothing;  // a fingerprint of them
  std::int64_t element = 0;
  std::uint64_t count = 0;

  [[nodiscard]] bool has_elements() const {
    return contributors != nothing && contributors < mixed;
  }
  // The part from its `first` element on.
  [[nodiscard]] ContributionRun from(std::uint64_t first) const {
    const std::int64_t moved = has_elements() ? static_cast<std::int64_t>(first) : 0;
    return {contributors, element + moved, count - first};
  }
};

// What each element of memory is made from, in as few runs as it takes.
class ContributionMemory {
 public:
  // The elements of all areas, one after the other.
  void gather(std::span<const Footprint> areas, std::vector<ContributionRun>& runs) const;
  // The same the other way; missing elements are unknown.
  void scatter(std::span<const Footprint> areas, std::span<const ContributionRun> runs);
  void forget(std::uint64_t address, std::uint64_t size_bytes);

 private:
  struct Segment {
    std::uint64_t end = 0;
    std::uint32_t element_bytes = 1;
    ContributionRun run;  // whose count is not used
  };
  using Segments = std::map<std::uint64_t, Segment>;  // by their start

  void gather_bytes(std::uint64_t begin, std::uint64_t end, std::uint32_t element_bytes,
                    std::vector<ContributionRun>& runs) const;
  void assign(std::uint64_t begin, const Segment& segment);

  Segments segments_;
};

// Appends a run, which may go on where the last one ends.
void append(std::vector<ContributionRun>& runs, const ContributionRun& run);

}  // namespace peal
