// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "peal/checks/memory/access.h"

namespace peal {

// The accesses to a range of addresses that later ones may still be in conflict with: for every
// byte its last write, the atomic ones since, and the reads since. An atomic write takes the place
// only of atomic ones: another may be ordered after it and still not after what came before it. A
// flat vector of segments in the order of their addresses.
class AccessHistory {
 public:
  // What the bytes hold before any access.
  explicit AccessHistory(bool written_at_first) : written_at_first_(written_at_first) {}

  // Tells `conflict(earlier access, begin, end)` for every part of [begin, end) with an earlier
  // access of which `is_over` does not hold and that does not commute, and `unwritten(begin, end)`
  // for every part that a read finds never written; then remembers the access.
  template <class IsOver, class Conflict, class Unwritten>
  void add(std::uint64_t begin, std::uint64_t end, const Access& access, IsOver&& is_over,
           Conflict&& conflict, Unwritten&& unwritten);

  // Calls `visit(access, begin, end)` for the last writes of every part of [begin, end).
  template <class Visit>
  void last_writes(std::uint64_t begin, std::uint64_t end, Visit&& visit) const;

  // Whether any byte of [begin, end) has been written.
  [[nodiscard]] bool has_writes(std::uint64_t begin, std::uint64_t end) const {
    bool found = false;
    last_writes(begin, end,
                [&found](const Access&, std::uint64_t, std::uint64_t) { found = true; });
    return found;
  }

 private:
  static constexpr std::uint32_t none = 0;  // of the nodes

  struct Segment {
    std::uint64_t begin = 0, end = 0;
    std::uint32_t writes = none, reads = none;  // lists of nodes
  };
  struct Node {
    Access access;
    std::uint32_t next = none;
  };

  [[nodiscard]] std::size_t first_segment(std::uint64_t begin);
  // Makes segments start and end at the bounds, with no gap between; returns the first.
  std::size_t cut(std::uint64_t begin, std::uint64_t end);
  void split(std::size_t index, std::uint64_t at);
  std::uint32_t push(std::uint32_t list, const Access& access);
  std::uint32_t copy(std::uint32_t list);
  void release(std::uint32_t& list);
  void release_atomic(std::uint32_t& list);
  void add_latest(std::uint32_t& list, const Access& access);

  bool written_at_first_;
  std::vector<Segment> segments_;
  std::vector<Node> nodes_{Node{}};
  std::uint32_t free_ = none;
  std::size_t hint_ = 0;
};

template <class IsOver, class Conflict, class Unwritten>
void AccessHistory::add(std::uint64_t begin, std::uint64_t end, const Access& access,
                        IsOver&& is_over, Conflict&& conflict, Unwritten&& unwritten) {
  if (begin >= end) return;
  std::size_t index = cut(begin, end);
  const std::size_t first = index;
  for (; index < segments_.size() && segments_[index].begin < end; ++index) {
    Segment& segment = segments_[index];
    bool is_ordered = true;  // after all last writes
    for (std::uint32_t node = segment.writes; node != none; node = nodes_[node].next) {
      const Access& earlier = nodes_[node].access;
      if (is_over(earlier)) continue;
      is_ordered = false;
      if (!(earlier.atomic && access.atomic)) conflict(earlier, segment.begin, segment.end);
    }
    if (!access.writes) {
      if (segment.writes == none && !written_at_first_) unwritten(segment.begin, segment.end);
      add_latest(segment.reads, access);
      continue;
    }
    for (std::uint32_t node = segment.reads; node != none; node = nodes_[node].next) {
      const Access& earlier = nodes_[node].access;
      if (!is_over(earlier)) conflict(earlier, segment.begin, segment.end);
    }
    if (!access.atomic) {
      release(segment.reads);
      release(segment.writes);
    } else if (is_ordered) {
      release_atomic(segment.writes);
    }
    add_latest(segment.writes, access);
  }
  // Parts that have become alike are one.
  if (access.writes && !access.atomic && index - first > 1) {
    for (std::size_t part = first + 1; part < index; ++part) release(segments_[part].writes);
    segments_[first].end = segments_[index - 1].end;
    segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                    segments_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  hint_ = first;
}

template <class Visit>
void AccessHistory::last_writes(std::uint64_t begin, std::uint64_t end, Visit&& visit) const {
  auto segment = std::partition_point(segments_.begin(), segments_.end(),
                                      [begin](const Segment& s) { return s.end <= begin; });
  for (; segment != segments_.end() && segment->begin < end; ++segment) {
    for (std::uint32_t node = segment->writes; node != none; node = nodes_[node].next) {
      visit(nodes_[node].access, std::max(begin, segment->begin), std::min(end, segment->end));
    }
  }
}

}  // namespace peal
