// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/contribution_memory.h"

#include <algorithm>
#include <iterator>

namespace peal {

void append(std::vector<ContributionRun>& runs, const ContributionRun& run) {
  if (run.count == 0) return;
  if (!runs.empty()) {
    ContributionRun& last = runs.back();
    const bool goes_on =
        !last.has_elements() || last.element + static_cast<std::int64_t>(last.count) == run.element;
    if (last.contributors == run.contributors && goes_on) {
      last.count += run.count;
      return;
    }
  }
  runs.push_back(run);
}

void ContributionMemory::gather_bytes(std::uint64_t begin, std::uint64_t end,
                                      std::uint32_t element_bytes,
                                      std::vector<ContributionRun>& runs) const {
  auto segment = segments_.upper_bound(begin);
  if (segment != segments_.begin() && std::prev(segment)->second.end > begin) --segment;
  for (std::uint64_t at = begin; at < end;) {
    if (segment == segments_.end() || segment->first >= end) {
      return append(runs, {.count = (end - at) / element_bytes});
    }
    if (segment->first > at) {
      append(runs, {.count = (segment->first - at) / element_bytes});
      at = segment->first;
    }
    const Segment& found = segment->second;
    const std::uint64_t until = std::min(end, found.end), skipped = at - segment->first;
    ContributionRun run = found.run;
    run.count = UINT64_MAX;
    if (run.contributors != ContributionRun::nothing &&
        (found.element_bytes != element_bytes || skipped % element_bytes != 0)) {
      run = {.contributors = ContributionRun::unknown};
    } else {
      run = run.from(skipped / element_bytes);
    }
    run.count = (until - at) / element_bytes;
    append(runs, run);
    at = until;
    ++segment;
  }
}

void ContributionMemory::gather(std::span<const Footprint> areas,
                                std::vector<ContributionRun>& runs) const {
  runs.clear();
  for (const Footprint& area : areas) {
    for (std::uint32_t row = 0; row < area.rows; ++row) {
      const std::uint64_t begin = area.address + row * area.stride_bytes;
      gather_bytes(begin, begin + area.row_bytes, area.element_bytes, runs);
    }
  }
}

void ContributionMemory::assign(std::uint64_t begin, const Segment& segment) {
  if (begin >= segment.end) return;
  auto next = segments_.lower_bound(begin);
  if (next != segments_.begin()) {
    Segment& before = std::prev(next)->second;
    if (before.end > begin) {
      const std::uint64_t start = std::prev(next)->first;
      if (before.end > segment.end) {  // the part after the new segment
        Segment rest = before;
        rest.run.count = UINT64_MAX;
        rest.run = rest.run.from((segment.end - start) / before.element_bytes);
        segments_.emplace_hint(next, segment.end, rest);
        next = segments_.find(segment.end);
      }
      before.end = begin;
    }
  }
  // Fast path: memory is mostly rewritten in the same segments, so reuse the node.
  const bool takes_place =
      next != segments_.end() && next->first == begin && next->second.end <= segment.end;
  if (takes_place) {
    next->second = segment;
    ++next;
  }
  while (next != segments_.end() && next->first < segment.end) {
    if (next->second.end <= segment.end) {
      next = segments_.erase(next);
      continue;
    }
    Segment rest = next->second;
    rest.run.count = UINT64_MAX;
    rest.run = rest.run.from((segment.end - next->first) / rest.element_bytes);
    next = segments_.erase(next);
    next = segments_.emplace_hint(next, segment.end, rest);
    break;
  }
  if (!takes_place) segments_.emplace_hint(next, begin, segment);
}

void ContributionMemory::scatter(std::span<const Footprint> areas,
                                 std::span<const ContributionRun> runs) {
  std::size_t index = 0;
  std::uint64_t used = 0;  // elements consumed of runs[index]
  for (const Footprint& area : areas) {
    for (std::uint32_t row = 0; row < area.rows; ++row) {
      std::uint64_t at = area.address + row * area.stride_bytes;
      for (const std::uint64_t end = at + area.row_bytes; at < end;) {
        ContributionRun run{.contributors = ContributionRun::unknown};
        std::uint64_t count = (end - at) / area.element_bytes;
        if (index < runs.size()) {
          run = runs[index].from(used);
          count = std::min(count, run.count);
          used += count;
          if (used == runs[index].count) {
            ++index;
            used = 0;
          }
        }
        const std::uint64_t until = count == 0 ? end : at + count * area.element_bytes;
        assign(at, {.end = until, .element_bytes = area.element_bytes, .run = run});
        at = until;
      }
    }
  }
}

void ContributionMemory::forget(std::uint64_t address, std::uint64_t size_bytes) {
  assign(address, {.end = address + size_bytes,
                   .element_bytes = 1,
                   .run = {.contributors = ContributionRun::unknown}});
}

}  // namespace peal
