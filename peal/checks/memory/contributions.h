// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "peal/checks/findings.h"
#include "peal/checks/memory/contribution_memory.h"
#include "peal/checks/memory/memory_regions.h"
#include "peal/run/event.h"

namespace peal {

// Taint tracking of what each rank contributes, through loads, stores and combinations. Each
// element of a result must contain every rank exactly once (sum, prod) or at least once (min, max),
// or be the one element that is moved there. An element's contributors are a fingerprint: the sum
// of one pseudo-random weight per (rank, call), which tells multisets apart up to hash collisions;
// for min and max, which are idempotent, a bit set of ranks and a hash of the call. Values that
// pass through scalar code are unknown, and never a finding.
class Contributions {
 public:
  Contributions(Findings& findings, const MemoryRegions& regions)
      : findings_(findings), regions_(regions) {}

  // Follows one event. An `expectation` that does not hold adds a wrong_result.
  void read(const Event& event);

 private:
  struct Store {
    std::vector<Footprint> writes;
    std::vector<ContributionRun> runs;
    bool atomic = false;
    SourceId place = 0;
  };
  struct Writer {
    SourceId place = 0;
    int rank = 0, core = 0;
  };
  using StoreKey = std::tuple<int, int, std::int64_t>;  // core, pipe, number

  void contribute(const Event& event);
  void move(const Event& event);
  void compute(const Event& event);
  void become_visible(const Event& event);
  void expect(const Event& event);
  [[nodiscard]] std::uint64_t weight(int rank, std::uint32_t call) const;
  [[nodiscard]] std::uint64_t add(std::uint64_t a, std::uint64_t b) const;
  // Combines the elements of `second` into those of `first`, element by element.
  void combine(std::vector<ContributionRun>& first, const std::vector<ContributionRun>& second);
  [[nodiscard]] std::uint64_t expected(const Event& event) const;
  void report(const Event& event, std::int64_t index, const ContributionRun& found);
  [[nodiscard]] std::string explain(const Event& event, std::int64_t element,
                                    const ContributionRun& found) const;
  [[nodiscard]] std::string explain_set(const Event& event, const ContributionRun& found) const;
  [[nodiscard]] std::string where_from(const Event& event, const ContributionRun& found) const;

  Findings& findings_;
  const MemoryRegions& regions_;
  ContributionMemory memory_;
  std::map<StoreKey, Store> under_way_;
  std::vector<Store> free_stores_;
  std::vector<ContributionRun> first_, second_, sum_;  // buffers, reused by every event
  std::map<std::uint64_t, Writer> last_writers_;       // by the start of a region
  int ranks_ = 0;
  bool is_set_ = false;  // fingerprints are bit sets: the operation is min or max
};

}  // namespace peal
