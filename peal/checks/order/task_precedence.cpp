// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/order/task_precedence.h"

#include <algorithm>
#include <iterator>

namespace peal {

// Adds `task` and all its predecessors to the set (transitive closure), then raises `floor` to the
// first gap.
void TaskPrecedence::add(Before& to, const Before& task) {
  const std::size_t floor = std::max(to.floor, task.floor);
  const std::size_t past = std::max(
      {floor, to.floor + to.others.size(), task.floor + task.others.size(), task.ordinal + 1});
  std::vector<bool> others(past - floor);
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::size_t of = floor + i;
    others[i] = to.has(of) || task.has(of) || of == task.ordinal;
  }
  to.floor = floor;
  to.others = std::move(others);
  const auto first_gap = std::find(to.others.begin(), to.others.end(), false);
  to.floor += static_cast<std::size_t>(first_gap - to.others.begin());
  to.others.erase(to.others.begin(), first_gap);
}

void TaskPrecedence::begin(std::uint32_t core, int rank, std::int64_t task, std::uint32_t number) {
  std::vector<Begin>& begins = list(begins_, core);
  begins.push_back({number, task});
  std::vector<std::int64_t>& before = list(pending_, core);
  const auto [entry, is_new] = tasks_.try_emplace(task);  // not new: another block of the task
  Before& own = entry->second;
  if (is_new) {
    own.rank = rank;
    own.ordinal = counts_[rank]++;
    has_several_ = has_several_ || own.ordinal > 0;
  }
  for (const std::int64_t each : before) {
    const auto known = tasks_.find(each);
    if (known != tasks_.end() && known->second.rank == rank) add(own, known->second);
  }
  before.clear();
}

void TaskPrecedence::end(std::uint32_t core, std::uint32_t number) {
  list(begins_, core).push_back({number, none});
}

std::int64_t TaskPrecedence::task_of(std::uint32_t core, std::uint32_t number) const {
  if (core >= begins_.size()) return none;
  const auto after = std::upper_bound(
      begins_[core].begin(), begins_[core].end(), number,
      [](std::uint32_t wanted, const Begin& begin) { return wanted <= begin.number; });
  return after == begins_[core].begin() ? none : std::prev(after)->task;
}

bool TaskPrecedence::precedes(std::int64_t earlier, std::int64_t later) const {
  const auto first = tasks_.find(earlier), second = tasks_.find(later);
  return first != tasks_.end() && second != tasks_.end() &&
         second->second.has(first->second.ordinal);
}

}  // namespace peal
