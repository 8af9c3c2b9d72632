// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "peal/checks/order/striking.h"

// Verdicts on a wait whose order is final: vacuous, redundant, or able to miss its value.

namespace peal {

std::optional<Striking::Start> Striking::last_replacement(std::size_t p, std::uint32_t end) const {
  const std::vector<std::uint32_t>& all = parts_[p].chain->replacements;
  const auto next = std::lower_bound(all.begin(), all.end(), end);
  if (next == all.begin() || *std::prev(next) < parts_[p].begin) return std::nullopt;
  return Start{&at(parts_[p], *std::prev(next)), p, *std::prev(next)};
}

std::uint32_t Striking::begin_after(const Start& start, const ChainPart& part) const {
  if (start.operation == nullptr) return part.begin;
  return std::max(part.begin, count_before(*part.chain, *start.operation));
}

// The value that the cell has by what W's core knew before W, from its last known replacement on.
std::int64_t Striking::known_value(const Start& last) const {
  std::int64_t value = value_of(last);
  for (const ChainPart& part : parts_) {
    const std::uint32_t from = begin_after(last, part);
    const std::vector<std::int64_t>& sums = part.chain->sums;
    value += sums[std::max(from, part.known)] - sums[from];
  }
  return value;
}

// The lowest (sign -1) or highest (1) value that the cell can have at a deadlock in which W does
// not pass. There, operations after W have not happened, and every other core stands at its end or
// at a wait. So of a chain's operations that are not after W, either all have happened, or those up
// to one that a wait of the same core follows (stands_here). For each chain the extreme one is
// taken.
std::int64_t Striking::value_at_deadlock(const Start& last, int sign) const {
  std::int64_t value = value_of(last);
  for (const ChainPart& part : parts_) {
    const std::uint32_t from = begin_after(last, part);
    const std::vector<std::int64_t>& sums = part.chain->sums;
    std::int64_t extreme = sign * (sums[std::max(from, part.end)] - sums[from]);
    for (std::uint32_t index = std::max(from, part.known); index + 1 < part.end; ++index) {
      const Operation& operation = at(part, index);
      const Operation& next = at(part, index + 1);
      const bool stands_here = !operation.replaces() && sign * operation.value > 0 &&
                               next.acquired > operation.acquired && !is_known(next, *wait_, row_);
      if (stands_here) extreme = std::max(extreme, sign * (sums[index + 1] - sums[from]));
    }
    value += sign * extreme;
  }
  return value;
}

// unordered: the first operation, in run order, that is neither known to W's core at W nor after W.
// W is redundant if the known value satisfies it and there is no such operation; vacuous if there
// is one, although the core's own bounds satisfy W and others cannot undo that.
WaitVerdict Striking::judge(const SatisfiedWait& wait) {
  WaitVerdict verdict;
  load_wait(wait);
  Start last;  // of what the core knew before
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const ChainPart& part = parts_[p];
    const std::optional<Start> own = last_replacement(p, part.known);
    const bool is_later =
        own && (last.operation == nullptr || own->operation->moment > last.operation->moment);
    if (is_later) last = *own;
    for (std::uint32_t index = part.known; index < part.end; ++index) {
      const Operation& operation = at(part, index);
      if (is_known(operation, wait, row_)) continue;
      if (verdict.unordered == nullptr || operation.moment < verdict.unordered->moment) {
        verdict.unordered = &operation;
      }
    }
  }
  const auto known = static_cast<std::uint32_t>(known_value(last));
  const bool is_satisfied = holds(wait.cmp, known, wait.threshold);
  const bool is_open = verdict.unordered != nullptr;
  verdict.is_vacuous = wait.holds_by_itself && is_open && (is_satisfied || others_only_help());
  verdict.is_redundant = is_satisfied && !is_open;
  const bool only_gains =
      cell_->only_adds && asks_for_more(wait.cmp) && wait.cmp != WaitCmp::eq && !may_wrap();
  if ((is_open || !signals_in_order_) && !only_gains) find_missed(verdict);
  return verdict;
}

// True if no operation of another core, and no store, can move the cell against the comparison:
// then the wait's OwnBounds are valid.
bool Striking::others_only_help() const {
  if (cell_->is_stored_to) return false;
  bool is_raised = cell_->raised_by.has_other_than(wait_->core);
  bool is_lowered = cell_->lowered_by.has_other_than(wait_->core);
  for (const ChainPart& part : parts_) {
    if (part.chain->core == wait_->core) {  // OwnBounds does not follow its core's stores
      const std::vector<std::uint32_t>& all = part.chain->replacements;
      const bool has_store = std::any_of(all.begin(), all.end(), [&](std::uint32_t index) {
        return index < part.end && at(part, index).kind == Operation::Kind::store;
      });
      if (has_store) return false;
      continue;
    }
    is_raised = is_raised || part.chain->raises[part.end] != 0;
    is_lowered = is_lowered || part.chain->falls[part.end] != 0;
  }
  switch (wait_->cmp) {
    case WaitCmp::reached:
    case WaitCmp::ge:
    case WaitCmp::gt:
      return !is_lowered;
    case WaitCmp::le:
    case WaitCmp::lt:
      return !is_raised;
    default:
      return !is_lowered && !is_raised;
  }
}

// Finds an operation after which W may wait for ever. Suppose that W has not passed when everything
// that is not after it has happened, which is possible if some of that is unordered with W. If the
// comparison fails on the value then, nothing is left that could let W pass. The final value starts
// at a replacement that no other one is known to follow; each candidate is tried. Whether an
// unordered replacement erases an add is a finding of its own (lost_signal); here the add counts.
void Striking::find_missed(WaitVerdict& verdict) {
  const auto fails = [this](const Start& start) {
    const auto least = static_cast<std::uint32_t>(value_at_deadlock(start, -1));
    const auto most = static_cast<std::uint32_t>(value_at_deadlock(start, 1));
    return !holds(wait_->cmp, least, wait_->threshold) ||
           !holds(wait_->cmp, most, wait_->threshold);
  };
  const auto is_open = [this](const Operation& operation) {
    if (!signals_in_order_) return operation.core != wait_->core;
    return !is_known(operation, *wait_, row_);
  };
  std::vector<Start> last;  // candidates: by chain its last replacement, less those known replaced
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (const std::optional<Start> own = last_replacement(p, parts_[p].end)) last.push_back(*own);
  }
  std::erase_if(last, [&](const Start& start) {
    return std::any_of(last.begin(), last.end(), [&](const Start& other) {
      return other.part != start.part && is_before(*start.operation, *other.operation);
    });
  });
  if (last.empty()) last.emplace_back();
  for (const Start& start : last) {
    if (!fails(start)) continue;
    if (start.operation != nullptr && is_open(*start.operation)) {
      verdict.missed_by = start.operation;
      return;
    }
    for (const ChainPart& part : parts_) {
      for (std::uint32_t index = part.known; index < part.end; ++index) {
        const Operation& operation = at(part, index);
        const bool is_later =
            verdict.missed_by == nullptr || operation.moment > verdict.missed_by->moment;
        if (is_later && is_open(operation)) verdict.missed_by = &operation;
      }
    }
  }
}

}  // namespace peal
