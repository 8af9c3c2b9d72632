// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/rules/flag_order.h"

#include <algorithm>
#include <iterator>

namespace peal {
namespace {

void join(FlagOrder::Counts& counts, const FlagOrder::Counts& others) {
  for (std::size_t pipe = 0; pipe < counts.size(); ++pipe) {
    counts[pipe] = std::max(counts[pipe], others[pipe]);
  }
}

}  // namespace

// The clock of the event's pipe, after it has joined the scalar unit's clock at the issue.
FlagOrder::Counts& FlagOrder::at(const Event& event) {
  Counts& counts = known_[static_cast<std::size_t>(event.pipe)];
  std::uint32_t& last = last_issues_[static_cast<std::size_t>(event.pipe)];
  if (event.pipe == Pipe::scalar || event.issued == last) return counts;
  last = event.issued;
  const auto next = std::partition_point(issues_.begin(), issues_.end(), [&](const Issue& issue) {
    return issue.after <= event.issued;
  });
  if (next != issues_.begin()) join(counts, std::prev(next)->known);
  return counts;
}

const FlagOrder::Counts& FlagOrder::set(const Event& event) { return at(event); }

FlagOrder::Counts FlagOrder::wait(const Event& event, const Counts& token) {
  Counts& counts = at(event);
  const Counts reached = counts;
  join(counts, token);
  return reached;
}

void FlagOrder::follow(const Event& event) {
  const bool is_barrier = event.kind == EventKind::pipe_barrier && event.pipe != Pipe::all;
  if (is_barrier || event.kind == EventKind::load || event.kind == EventKind::store ||
      event.kind == EventKind::vector) {
    ++at(event)[static_cast<std::size_t>(event.pipe)];
  }
  if (orders(event)) order(event);
}

void FlagOrder::order(const Event& event) {
  ++ordering_events_;
  const bool is_barrier = event.kind == EventKind::pipe_barrier;
  if (!is_barrier && event.kind != EventKind::wait_flag) return;  // the scalar clock is unchanged
  Counts& scalar = known_[static_cast<std::size_t>(Pipe::scalar)];
  if (is_barrier) {
    // No pipe's clock has a count for another pipe above that pipe's own, so these are the join.
    for (std::size_t pipe = 0; pipe < known_.size(); ++pipe) {
      scalar[pipe] = std::max(scalar[pipe], known_[pipe][pipe]);
    }
    issues_.clear();  // everything issued before a barrier of all pipes has been executed
  }
  if (issues_.empty() || issues_.back().known != scalar) {
    issues_.push_back({ordering_events_, scalar});
  }
}

}  // namespace peal
