// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "peal/checks/memory/access.h"

namespace peal {

// The earlier accesses to a range of addresses that a later access may still conflict with. For
// every byte: the last plain write, the atomic writes since, and the reads since. Stored as a flat
// vector of segments, sorted by address.
//
// Why this is enough. An access A may be forgotten once a newer access takes its place, provided
// that whenever a later access conflicts with A, the newer one conflicts with A or with the later
// one, so that a race on these bytes is reported.
//   - A plain write W replaces all earlier accesses A. If A is unordered with W, that conflict is
//     reported now. Otherwise A is over before W starts, and a later access that is after W is
//     after A, too; one that is not after W is reported against W.
//   - An atomic write replaces only earlier atomic writes of its kind (Access::atomic), and only if
//     every last write is over before it. It must not replace other writes or the reads before it:
//     a later atomic write commutes with it, so it is not compared with it, and must still find
//     those.
//   - In one lane of one core the newest access replaces the older one of its kind (add_latest):
//     what is after the newer one is after the older one.
class AccessHistory {
 public:
  // `written_at_first`: the bytes hold meaningful data before any access, so that a read without an
  // earlier write is not reported.
  explicit AccessHistory(bool written_at_first) : written_at_first_(written_at_first) {}

  // Compares the access with the earlier ones to [begin, end), then remembers it. Calls
  // `conflict(earlier, begin, end)` for every part with an earlier access for which
  // `is_over(earlier)` is false, at least one of the two being a write and the two not commuting;
  // calls `unwritten(begin, end)` for every part that is read and was never written. The access
  // itself may be among the earlier ones, if its ranges overlap: `is_over` must hold for it.
  template <class IsOver, class Conflict, class Unwritten>
  void add(std::uint64_t begin, std::uint64_t end, const Access& access, IsOver&& is_over,
           Conflict&& conflict, Unwritten&& unwritten);

  // Calls `visit(access, begin, end)` for each last write (plain, and atomic since) of every part
  // of [begin, end).
  template <class Visit>
  void last_writes(std::uint64_t begin, std::uint64_t end, Visit&& visit) const;

  // Forgets all accesses.
  void clear();
  // True if any byte of [begin, end) has been written.
  [[nodiscard]] bool has_writes(std::uint64_t begin, std::uint64_t end) const {
    bool found = false;
    last_writes(begin, end,
                [&found](const Access&, std::uint64_t, std::uint64_t) { found = true; });
    return found;
  }

 private:
  static constexpr std::uint32_t none = 0;  // the end of a list of nodes

  struct Segment {
    std::uint64_t begin = 0, end = 0;
    std::uint32_t writes = none, reads = none;  // heads of lists of nodes, which no other shares
  };
  struct Node {
    Access access;
    std::uint32_t next = none;
  };

  // The index of the first segment that ends after `begin`.
  [[nodiscard]] std::size_t first_segment(std::uint64_t begin);
  // Splits and inserts segments so that they cover [begin, end) exactly; returns the first one's
  // index.
  std::size_t cut(std::uint64_t begin, std::uint64_t end);
  void split(std::size_t index, std::uint64_t at);
  std::uint32_t push(std::uint32_t list, const Access& access);
  std::uint32_t copy(std::uint32_t list);
  void release(std::uint32_t& list);
  void release_atomic(std::uint32_t& list, std::uint8_t alike);
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
    bool is_ordered = true;  // the access is after all last writes
    for (std::uint32_t node = segment.writes; node != none; node = nodes_[node].next) {
      const Access& earlier = nodes_[node].access;
      if (is_over(earlier)) continue;
      is_ordered = false;
      if (!commute(earlier, access)) conflict(earlier, segment.begin, segment.end);
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
      release_atomic(segment.writes, access.atomic);
    }
    add_latest(segment.writes, access);
  }
  // After a plain write all parts hold just this write: merge them into one segment.
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
