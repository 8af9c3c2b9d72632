// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// `count` consecutive elements with the same contributors; the i-th is made from element
// `element` + i of each contributor.
struct ContributionRun {
  static constexpr std::uint64_t nothing = 0;             // a constant, or the initial contents
  static constexpr std::uint64_t unknown = UINT64_MAX;    // not tracked
  static constexpr std::uint64_t mixed = UINT64_MAX - 1;  // made from elements of different numbers

  std::uint64_t contributors = nothing;  // a fingerprint (contributions.h), or one of the above
  std::int64_t element = 0;
  std::uint64_t count = 0;

  [[nodiscard]] bool has_elements() const {
    return contributors != nothing && contributors < mixed;
  }
  // The run without its first `first` elements.
  [[nodiscard]] ContributionRun from(std::uint64_t first) const {
    const std::int64_t moved = has_elements() ? static_cast<std::int64_t>(first) : 0;
    return {contributors, element + moved, count - first};
  }
};

// Shadow memory: what each element of memory is made from, as an interval map.
class ContributionMemory {
 public:
  // Reads the elements of all areas, row by row, into `runs`.
  void gather(std::span<const Footprint> areas, std::vector<ContributionRun>& runs) const;
  // Writes `runs` to the areas in the same order. If the runs end early, the rest becomes unknown.
  void scatter(std::span<const Footprint> areas, std::span<const ContributionRun> runs);
  // Makes the bytes unknown.
  void forget(std::uint64_t address, std::uint64_t size_bytes);

 private:
  struct Segment {
    std::uint64_t end = 0;
    std::uint32_t element_bytes = 1;
    ContributionRun run;  // its count is unused: `end` says it
  };
  using Segments = std::map<std::uint64_t, Segment>;  // by start address

  void gather_bytes(std::uint64_t begin, std::uint64_t end, std::uint32_t element_bytes,
                    std::vector<ContributionRun>& runs) const;
  void assign(std::uint64_t begin, const Segment& segment);

  Segments segments_;
};

// Appends a run, merging it with the last one if it continues that.
void append(std::vector<ContributionRun>& runs, const ContributionRun& run);

}  // namespace peal
