// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/order/striking.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace peal {
namespace {

constexpr std::int64_t impossible = std::numeric_limits<std::int64_t>::min() / 2;

}  // namespace

std::uint32_t Striking::without(const ChainPart& part, std::uint32_t core,
                                std::uint32_t release) const {
  return first_not(part.known, part.end, [&](std::uint32_t index) {
    return comes_after(at(part, index), core) < release;
  });
}

std::uint32_t Striking::count_before(const Chain& chain, const Operation& later) const {
  return first_not(0, static_cast<std::uint32_t>(chain.operations.size()),
                   [&](std::uint32_t i) { return is_before(log_[chain.operations[i]], later); });
}

// Loads the wait's rows and divides each chain of its cell into a ChainPart. All three searches are
// valid because what holds for an operation ("known", "not after W", "before a replacement") holds
// for the ones before it in its chain.
void Striking::load_wait(const SatisfiedWait& wait) {
  wait_ = &wait;
  cell_ = &log_.cell(wait.cell);
  before_ = known_.row(wait.core, wait.acquire - 1);
  row_ = known_.kept_row(wait.core, wait.acquire);
  parts_.clear();
  for (const Chain& chain : cell_->chains) {
    if (chain.operations.empty()) continue;
    ChainPart& part = parts_.emplace_back();
    part.chain = &chain;
    const auto size = static_cast<std::uint32_t>(chain.operations.size());
    part.known = first_not(
        0, size, [&](std::uint32_t index) { return is_known(at(part, index), wait, before_); });
    part.end = first_not(part.known, size,
                         [&](std::uint32_t index) { return !is_after(at(part, index), wait); });
  }
  base_is_replaced_ = false;
  if (!cell_->only_adds) drop_replaced();
}

// Lemma 3, second sentence: a replacement that W's core knew of before W has erased what came
// before it, so the parts begin after that. The last such replacement of a chain is enough,
// since it erases all that the earlier ones of its chain did.
void Striking::drop_replaced() {
  for (const ChainPart& part : parts_) {
    const std::vector<std::uint32_t>& all = part.chain->replacements;
    auto last = std::lower_bound(all.begin(), all.end(), part.known);
    while (last != all.begin()) {
      const Operation& operation = at(part, *--last);
      const bool has_arrived = signals_in_order_ || operation.core == wait_->core ||
                               operation.kind == Operation::Kind::store;
      if (!has_arrived) continue;
      base_is_replaced_ = true;
      for (ChainPart& other : parts_) {
        other.begin = std::max(other.begin, count_replaced(other, operation));
      }
      break;
    }
  }
  for (ChainPart& part : parts_) {
    part.known = std::max(part.known, part.begin);
    part.end = std::max(part.end, part.begin);
  }
}

// How many operations at the front of a chain the replacement `later`, known before W, has erased.
// If signals may overtake each other, to be sent before is not enough: the operation must have been
// shown to have arrived (show_arrivals), to the core of the replacement and before it.
std::uint32_t Striking::count_replaced(const ChainPart& part, const Operation& later) const {
  if (signals_in_order_ || part.chain->core == wait_->core) {
    return count_before(*part.chain, later);
  }
  std::uint32_t count = 0;
  const auto size = static_cast<std::uint32_t>(part.chain->operations.size());
  while (count < size && at(part, count).shown_to == later.core &&
         at(part, count).shown_by <= later.acquired) {
    ++count;
  }
  return count;
}

// Only if signals may overtake each other. If W could not pass without every single add that may
// count, all of them had arrived when it passed: then W stays the wait that shows their arrival.
// Otherwise those that W was assumed to show pass on to the next wait for the cell in run order.
// `shown_by` only moves to later waits, so this is one more descending part of the fixpoint.
void Striking::show_arrivals() {
  bool has_open_replacement = false;
  std::int64_t least = INT64_MAX;
  limits_.clear();
  for (const ChainPart& part : parts_) {
    limits_.push_back(part.end);
    for (std::uint32_t index = part.begin; index < part.end; ++index) {
      const Operation& operation = at(part, index);
      if (operation.core == wait_->core) continue;
      has_open_replacement = has_open_replacement || operation.replaces();
      if (operation.value > 0) least = std::min(least, operation.value);
    }
  }
  const std::int64_t need = wait_->cmp == WaitCmp::gt ? 1 : 0;
  if (asks_for_more(wait_->cmp) && !has_open_replacement && least != INT64_MAX &&
      reach(1) - least < need) {
    return;
  }
  const std::vector<Cell::Wait>& waits = cell_->waits;
  for (const ChainPart& part : parts_) {
    for (std::uint32_t index = part.begin; index < part.end; ++index) {
      Operation& operation = log_[part.chain->operations[index]];
      if (operation.shown_to != wait_->core || operation.shown_by != wait_->acquire) continue;
      const auto next = std::find_if(waits.begin(), waits.end(), [&](const Cell::Wait& other) {
        return other.moment > wait_->moment;
      });
      operation.shown_by = next == waits.end() ? Operation::never : next->acquire;
      if (next != waits.end()) operation.shown_to = next->core;
      changed_ = true;
    }
  }
}

// True if the sum of all operations may exceed int32, in which these comparisons are made. Then the
// bounds of lemma 1 are not valid, and no pair stays by (b).
bool Striking::may_wrap() const {
  if (wait_->cmp == WaitCmp::reached) return false;  // of counts that wrap
  const std::int64_t base = static_cast<std::int32_t>(cell_->base);
  return std::abs(base) + cell_->magnitude > INT32_MAX;
}

// Applies (a) and (b) to one wait: strike_look by lemma 5, strike_of_adds by lemmas 1 and 2 in the
// common case, strike_generally by lemmas 1 to 3; then the future by lemma 4.
bool Striking::strike(const SatisfiedWait& wait, bool may_come) {
  load_wait(wait);
  changed_ = false;
  if (!signals_in_order_) show_arrivals();
  if (wait.is_look) {
    strike_look(wait, may_come);
  } else if (may_wrap()) {
    stays_.assign(before_, before_ + known_.core_count());
    lower_to_stays();
  } else if (cell_->only_adds && asks_for_more(wait.cmp)) {
    strike_of_adds(wait);
  } else {
    strike_generally(wait);
  }
  if (may_come) strike_by_what_may_come(wait);
  return changed_;
}

// (b) for a cell that only grows and a comparison that asks for more. The upper bound without x is
// a sum of prefixes, one of each chain (lemma 2); (x, W) stays if it is less than `need`. In turn:
//   - all < need: the comparison fails for everything the cell can hold, so every pair stays.
//   - certain >= need: W passes by what is known already, so only (a) is left.
//   - One chain is open: its shortest prefix that reaches `need` with all of the others ends with
//     an operation without which W cannot pass. (b) holds for each x that this operation is after.
//   - Without any one add the sum is less than `need`: W is after every open operation, which means
//     after the last one of each chain.
//   - Else the last release of each core that stays is searched for.
void Striking::strike_of_adds(const SatisfiedWait& wait) {
  const std::int64_t need = -distance(cell_->base) + (wait.cmp == WaitCmp::gt ? 1 : 0);
  std::int64_t all = 0, certain = 0;
  for (const ChainPart& part : parts_) {
    all += part.chain->sums[part.end];
    certain += part.chain->sums[part.known];
  }
  const auto cores = static_cast<std::uint32_t>(known_.core_count());
  if (all < need) return;
  if (certain >= need) {
    stays_.assign(before_, before_ + cores);
    return lower_to_stays();
  }
  const bool all_are_needed = all - cell_->min_add < need;
  const auto is_open = [](const ChainPart& part) { return part.end > part.known; };
  const auto first = std::find_if(parts_.begin(), parts_.end(), is_open);
  const bool is_only = std::find_if(std::next(first), parts_.end(), is_open) == parts_.end();
  if (is_only) {
    std::uint32_t needed = first->end;
    if (!all_are_needed) {
      const std::vector<std::int64_t>& sums = first->chain->sums;
      const std::int64_t others = all - sums[first->end];
      needed = first_not(first->known + 1, first->end,
                         [&](std::uint32_t count) { return others + sums[count] < need; });
    }
    return lower_to_knowledge_of(at(*first, needed - 1));
  }
  if (all_are_needed) {
    stays_.assign(before_, before_ + cores);
    for (const ChainPart& part : parts_) {
      if (!is_open(part)) continue;
      const Operation& last = at(part, part.end - 1);
      const std::uint32_t* const given = known_.row(last.core, last.acquired);
      for (std::uint32_t core = 0; core < cores; ++core) {
        stays_[core] = std::max(stays_[core], given[core]);
      }
      stays_[last.core] = std::max(stays_[last.core], last.last_release);
    }
    return lower_to_stays();
  }
  for (std::uint32_t core = 0; core < cores; ++core) {
    if (core == wait.core) continue;
    lower(core, [&](std::uint32_t release) {
      std::int64_t sum = 0;
      for (const ChainPart& part : parts_) {
        sum += part.chain->sums[without(part, core, release)];
      }
      return sum < need;
    });
  }
}

// Keeps the pairs whose x W's core knew before W, or that `last` is after: W cannot pass without
// `last`. A core's row has 0 for the core itself, so the entry of last.core is set apart.
void Striking::lower_to_knowledge_of(const Operation& last) {
  const std::uint32_t* const given = known_.row(last.core, last.acquired);
  std::uint32_t& theirs = row_[last.core];
  const std::uint32_t held = theirs;
  theirs = 0;
  std::uint32_t lost = 0;
  for (std::size_t core = 0; core < known_.core_count(); ++core) {
    const std::uint32_t stays = std::min(row_[core], std::max(before_[core], given[core]));
    lost |= row_[core] - stays;
    row_[core] = stays;
  }
  theirs = std::min(held, std::max(before_[last.core], last.last_release));
  changed_ = changed_ || lost != 0 || theirs != held;
}

void Striking::lower_to_stays() {
  std::uint32_t lost = 0;
  for (std::size_t core = 0; core < stays_.size(); ++core) {
    const std::uint32_t stays = std::min(row_[core], stays_[core]);
    lost |= row_[core] - stays;
    row_[core] = stays;
  }
  changed_ = changed_ || lost != 0;
}

// (b) for any operations and comparison: for each core, the last release for which it holds.
void Striking::strike_generally(const SatisfiedWait& wait) {
  const auto cores = static_cast<std::uint32_t>(known_.core_count());
  for (std::uint32_t core = 0; core < cores; ++core) {
    if (core == wait.core) continue;
    lower(core, [&](std::uint32_t release) { return stays(core, release); });
  }
}

// The pessimistic relation of lemma 4. A core that has operated on the cell, and that is not known
// to be past W, may next perform an operation n that lets W pass. n is after x only if x is a
// release of that core, or known to it now. So, for each such core, only these pairs stay, and
// those of (a).
void Striking::strike_by_what_may_come(const SatisfiedWait& wait) {
  for (const Chain& chain : cell_->chains) {
    if (is_past(chain.core, wait)) continue;
    const std::uint32_t* const last = known_.row(chain.core, known_.last(chain.core));
    stays_.resize(known_.core_count());
    for (std::size_t core = 0; core < stays_.size(); ++core) {
      stays_[core] = std::max(before_[core], last[core]);
    }
    stays_[chain.core] = row_[chain.core];
    lower_to_stays();
  }
}

// value - threshold; for `reached`, whose counts may wrap, the difference modulo 2^32 as int32.
std::int64_t Striking::distance(std::uint32_t value) const {
  if (wait_->cmp == WaitCmp::reached) return static_cast<std::int32_t>(value - wait_->threshold);
  return std::int64_t{static_cast<std::int32_t>(value)} -
         static_cast<std::int32_t>(wait_->threshold);
}

// (b) by lemma 1: true if the comparison fails for all that the cell can hold without x, x being
// this release of `core`. reach(1) is the upper bound, -reach(-1) the lower one, as distances.
bool Striking::stays(std::uint32_t core, std::uint32_t release) {
  limits_.clear();
  for (const ChainPart& part : parts_) limits_.push_back(without(part, core, release));
  switch (wait_->cmp) {
    case WaitCmp::reached:
    case WaitCmp::ge:
      return reach(1) < 0;
    case WaitCmp::gt:
      return reach(1) < 1;
    case WaitCmp::le:
      return -reach(-1) > 0;
    case WaitCmp::lt:
      return -reach(-1) > -1;
    case WaitCmp::eq:
      return reach(1) < 0 || -reach(-1) > 0;
    case WaitCmp::ne:
      break;
  }
  return reach(1) == 0 && -reach(-1) == 0;
}

// The upper bound (sign 1) of distance(value), or minus the lower one (sign -1), over everything
// the cell can hold by operations before limits_: the best of all starts, which are the base value
// and each replacement that may have arrived (lemma 3).
std::int64_t Striking::reach(int sign) {
  std::int64_t most = base_is_replaced_ ? impossible : reach_from({}, sign);
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::vector<std::uint32_t>& all = parts_[p].chain->replacements;
    auto index = std::lower_bound(all.begin(), all.end(), parts_[p].begin);
    for (; index != all.end() && *index < limits_[p]; ++index) {
      most = std::max(most, reach_from({&at(parts_[p], *index), p, *index}, sign));
    }
  }
  return most;
}

std::int64_t Striking::reach_from(const Start& start, int sign) const {
  std::int64_t sum = sign * distance(static_cast<std::uint32_t>(value_of(start)));
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::optional<std::int64_t> most = best(p, start, sign);
    if (!most) return impossible;
    sum += *most;
  }
  return sum;
}

// True if an operation that has arrived, at index `from` or later, is a replacement.
bool Striking::is_replaced_in(const ChainPart& part, std::uint32_t from) {
  const std::vector<std::uint32_t>& all = part.chain->replacements;
  const auto next = std::lower_bound(all.begin(), all.end(), from);
  return next != all.end() && *next < part.known;
}

Striking::Begin Striking::begin_in_order(std::size_t p, const Start& start) const {
  const ChainPart& part = parts_[p];
  if (start.operation == nullptr) return {part.begin, part.begin};
  if (start.part == p) return {start.index + 1, start.index + 1};
  const std::uint32_t first = begin_after(start, part);
  return {first, first_not(first, limits_[p], [&](std::uint32_t index) {
            return !is_before(*start.operation, at(part, index));
          })};
}

// The largest sum, times `sign`, that one chain can contribute after the start. As the chain
// arrives in order (lemma 2), what counts is a contiguous run of its adds without a replacement in
// between:
//   - it begins at an index in [first, certain] (see Begin), since the start erases what arrived
//     before it, and what is after the start cannot have arrived before it;
//   - it ends at an index in [known, limit], since the known part has arrived.
// `sum` is the best run that ends at `index` (a maximum-subarray scan), `most` the best that may
// end there. Once no run can begin, the scan skips to `known` by prefix sums. nullopt: no such run,
// so the start cannot be the last replacement.
std::optional<std::int64_t> Striking::best(std::size_t p, const Start& start, int sign) const {
  const ChainPart& part = parts_[p];
  const std::uint32_t limit = limits_[p];
  const bool is_overtaken = !signals_in_order_ && start.operation != nullptr && start.part != p;
  const auto [first, certain] = is_overtaken ? Begin{part.begin, limit} : begin_in_order(p, start);
  if (!signals_in_order_) {
    const bool is_own = part.chain->core == wait_->core;
    return best_overtaking(p, is_own ? first : part.begin, certain, sign);
  }
  std::int64_t most = impossible, sum = impossible;
  for (std::uint32_t index = first;; ++index) {
    if (index <= certain) sum = std::max<std::int64_t>(sum, 0);
    if (index >= certain && index < part.known && !is_replaced_in(part, index)) {
      sum += sign * (part.chain->sums[part.known] - part.chain->sums[index]);
      index = part.known;
    }
    if (index >= part.known) most = std::max(most, sum);
    if (index >= limit) break;
    const Operation& operation = at(part, index);
    if (operation.replaces()) {
      sum = impossible;
    } else if (sum > impossible) {
      sum += sign * operation.value;
    }
  }
  if (most == impossible) return std::nullopt;
  return most;
}

// The same if signals of one core may overtake each other (lemma 3, last sentence): each add that
// helps counts by itself; one that does not counts only if it is W's own core's and has arrived.
std::int64_t Striking::best_overtaking(std::size_t p, std::uint32_t first, std::uint32_t certain,
                                       int sign) const {
  const ChainPart& part = parts_[p];
  std::int64_t sum = 0;
  for (std::uint32_t index = first; index < limits_[p]; ++index) {
    const Operation& operation = at(part, index);
    if (operation.replaces()) continue;
    const std::int64_t value = sign * operation.value;
    const bool has_arrived =
        operation.core == wait_->core && index >= certain && index < part.known;
    if (value > 0 || has_arrived) sum += value;
  }
  return sum;
}

}  // namespace peal
