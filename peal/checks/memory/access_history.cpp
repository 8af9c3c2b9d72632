// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/access_history.h"

namespace peal {

std::size_t AccessHistory::first_segment(std::uint64_t begin) {
  const auto ends_before = [begin](const Segment& segment) { return segment.end <= begin; };
  // Accesses often continue at the segment of the last one, or after it.
  for (std::size_t guess = hint_; guess < hint_ + 2 && guess < segments_.size(); ++guess) {
    if (!ends_before(segments_[guess]) && (guess == 0 || ends_before(segments_[guess - 1]))) {
      return guess;
    }
  }
  return static_cast<std::size_t>(
      std::partition_point(segments_.begin(), segments_.end(), ends_before) - segments_.begin());
}

void AccessHistory::clear() {
  segments_.clear();
  nodes_.resize(1);
  free_ = none;
  hint_ = 0;
}

void AccessHistory::split(std::size_t index, std::uint64_t at) {
  Segment second = segments_[index];
  second.begin = at;
  second.writes = copy(second.writes);
  second.reads = copy(second.reads);
  segments_[index].end = at;
  segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(index) + 1, second);
}

std::size_t AccessHistory::cut(std::uint64_t begin, std::uint64_t end) {
  std::size_t index = first_segment(begin);
  if (index < segments_.size() && segments_[index].begin < begin) split(index++, begin);
  const std::size_t first = index;
  for (std::uint64_t at = begin; at < end; ++index) {
    if (index == segments_.size() || segments_[index].begin >= end) {
      segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(index),
                       {.begin = at, .end = end});
    } else if (segments_[index].begin > at) {
      const std::uint64_t until = segments_[index].begin;
      segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(index),
                       {.begin = at, .end = until});
    } else if (segments_[index].end > end) {
      split(index, end);
    }
    at = segments_[index].end;
  }
  return first;
}

std::uint32_t AccessHistory::push(std::uint32_t list, const Access& access) {
  std::uint32_t node = free_;
  if (node == none) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    free_ = nodes_[node].next;
  }
  nodes_[node] = {access, list};
  return node;
}

std::uint32_t AccessHistory::copy(std::uint32_t list) {
  std::uint32_t result = none;
  for (; list != none; list = nodes_[list].next) {
    const Access access = nodes_[list].access;
    result = push(result, access);
  }
  return result;
}

void AccessHistory::release(std::uint32_t& list) {
  while (list != none) {
    const std::uint32_t next = nodes_[list].next;
    nodes_[list].next = free_;
    free_ = list;
    list = next;
  }
}

void AccessHistory::release_atomic(std::uint32_t& list, std::uint8_t alike) {
  for (std::uint32_t* link = &list; *link != none;) {
    const std::uint32_t node = *link;
    if (nodes_[node].access.atomic != alike) {
      link = &nodes_[node].next;
      continue;
    }
    *link = nodes_[node].next;
    nodes_[node].next = free_;
    free_ = node;
  }
}

// An access takes the place of the older one of its core, lane and kind: whatever is after the
// newer one is after the older one.
void AccessHistory::add_latest(std::uint32_t& list, const Access& access) {
  for (std::uint32_t node = list; node != none; node = nodes_[node].next) {
    Access& earlier = nodes_[node].access;
    const bool is_alike = earlier.core == access.core && earlier.lane == access.lane &&
                          earlier.atomic == access.atomic;
    if (!is_alike) continue;
    earlier = access;
    return;
  }
  list = push(list, access);
}

}  // namespace peal
