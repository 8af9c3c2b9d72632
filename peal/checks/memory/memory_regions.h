// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "peal/checks/finding.h"
#include "peal/run/event.h"

namespace peal {

// The named memory of a run, from its `region` events.
class MemoryRegions {
 public:
  struct Region {
    std::string name;
    RegionKind kind{};
    int rank = 0;
    int core = 0;  // on_chip: the core's number within its rank
    std::uint64_t begin = 0, end = 0;
    std::uint32_t first_word = 0;  // the initial value of each of its words
    bool is_filled = false;        // filled by the host before the run
    std::uint32_t argument = 0;    // whose memory it is in one call, from 1; 0: no argument's
  };

  explicit MemoryRegions(RankNamer name_of = rank_name) : name_of_(std::move(name_of)) {}

  // Adds the region of a `region` event.
  void add(const Event& event);
  // The region that holds the address, or nullptr: private memory.
  [[nodiscard]] const Region* find(std::uint64_t address) const;
  // The region with the largest begin that is not above the address, which may lie after its end;
  // nullptr if there is none.
  [[nodiscard]] const Region* before(std::uint64_t address) const;
  // True if the address lies between the lowest begin and the highest end of the run's regions of
  // global memory, within a region or between two.
  [[nodiscard]] bool is_shared(std::uint64_t address) const {
    return address >= shared_begin_ && address < shared_end_;
  }
  // Calls `visit(region)` for all regions in address order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [begin, region] : by_begin_) visit(region);
  }
  // For reports: "window `scratch` of rank 1, bytes 512..1024".
  [[nodiscard]] std::string describe(std::uint64_t begin, std::uint64_t end, int rank) const;

 private:
  RankNamer name_of_;
  std::map<std::uint64_t, Region> by_begin_;
  std::map<int, int> cores_of_rank_;  // the number of cores seen so far
  // A direct-mapped cache for find(): by hash of the page, the region found last.
  static constexpr unsigned page_bits = 12, last_bits = 7;
  static constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15;
  mutable std::array<const Region*, std::size_t{1} << last_bits> last_{};
  std::uint64_t shared_begin_ = UINT64_MAX, shared_end_ = 0;
};

}  // namespace peal
