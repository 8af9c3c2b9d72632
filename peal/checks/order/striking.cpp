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

std::uint32_t Striking::without(const Window& window, std::uint32_t core,
                                std::uint32_t release) const {
  return first_not(window.known, window.end, [&](std::uint32_t index) {
    return comes_after(at(window, index), core) < release;
  });
}

std::uint32_t Striking::count_before(const Chain& chain, const Operation& later) const {
  return first_not(0, static_cast<std::uint32_t>(chain.operations.size()),
                   [&](std::uint32_t i) { return is_before(log_[chain.operations[i]], later); });
}

// Loads the wait's rows and divides each chain of its cell into a Window. All three searches are
// valid because what holds for an operation ("known", "not after W", "before a replacement") holds
// for the ones before it in its chain.
void Striking::look_at(const SatisfiedWait& wait) {
  wait_ = &wait;
  cell_ = &log_.cell(wait.cell);
  before_ = known_.row(wait.core, wait.acquire - 1);
  row_ = known_.kept_row(wait.core, wait.acquire);
  windows_.clear();
  for (const Chain& chain : cell_->chains) {
    if (chain.operations.empty()) continue;
    Window& window = windows_.emplace_back();
    window.chain = &chain;
    const auto size = static_cast<std::uint32_t>(chain.operations.size());
    window.known = first_not(
        0, size, [&](std::uint32_t index) { return is_known(at(window, index), wait, before_); });
    window.end = first_not(window.known, size,
                           [&](std::uint32_t index) { return !is_after(at(window, index), wait); });
  }
  base_is_replaced_ = false;
  if (!cell_->only_adds) drop_replaced();
}

// Lemma 3, second sentence: a replacement that W's core knew of before W has erased what came
// before it, so the windows begin after that. The last such replacement of a chain is enough,
// since it erases all that the earlier ones of its chain did.
void Striking::drop_replaced() {
  for (const Window& window : windows_) {
    const std::vector<std::uint32_t>& all = window.chain->replacements;
    auto last = std::lower_bound(all.begin(), all.end(), window.known);
    while (last != all.begin()) {
      const Operation& operation = at(window, *--last);
      const bool has_arrived = signals_in_order_ || operation.core == wait_->core ||
                               operation.kind == Operation::Kind::store;
      if (!has_arrived) continue;
      base_is_replaced_ = true;
      for (Window& other : windows_) {
        other.begin = std::max(other.begin, count_replaced(other, operation));
      }
      break;
    }
  }
  for (Window& window : windows_) {
    window.known = std::max(window.known, window.begin);
    window.end = std::max(window.end, window.begin);
  }
}

// How many operations at the front of a chain the replacement `later`, known before W, has erased.
// If signals may overtake each other, to be sent before is not enough: the operation must have been
// shown to have arrived (show_arrivals), to the core of the replacement and before it.
std::uint32_t Striking::count_replaced(const Window& window, const Operation& later) const {
  if (signals_in_order_ || window.chain->core == wait_->core) {
    return count_before(*window.chain, later);
  }
  std::uint32_t count = 0;
  const auto size = static_cast<std::uint32_t>(window.chain->operations.size());
  while (count < size && at(window, count).shown_to == later.core &&
         at(window, count).shown_by <= later.acquired) {
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
  for (const Window& window : windows_) {
    limits_.push_back(window.end);
    for (std::uint32_t index = window.begin; index < window.end; ++index) {
      const Operation& operation = at(window, index);
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
  for (const Window& window : windows_) {
    for (std::uint32_t index = window.begin; index < window.end; ++index) {
      Operation& operation = log_[window.chain->operations[index]];
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
bool Striking::strike(const SatisfiedWait& wait, bool goes_on) {
  look_at(wait);
  changed_ = false;
  if (!signals_in_order_) show_arrivals();
  if (wait.is_look) {
    strike_look(wait, goes_on);
  } else if (may_wrap()) {
    stays_.assign(before_, before_ + known_.core_count());
    lower_to_stays();
  } else if (cell_->only_adds && asks_for_more(wait.cmp)) {
    strike_of_adds(wait);
  } else {
    strike_generally(wait);
  }
  if (goes_on) strike_by_what_may_come(wait);
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
  for (const Window& window : windows_) {
    all += window.chain->sums[window.end];
    certain += window.chain->sums[window.known];
  }
  const auto cores = static_cast<std::uint32_t>(known_.core_count());
  if (all < need) return;
  if (certain >= need) {
    stays_.assign(before_, before_ + cores);
    return lower_to_stays();
  }
  const bool all_are_needed = all - cell_->min_add < need;
  const auto is_open = [](const Window& window) { return window.end > window.known; };
  const auto first = std::find_if(windows_.begin(), windows_.end(), is_open);
  const bool is_only = std::find_if(std::next(first), windows_.end(), is_open) == windows_.end();
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
    for (const Window& window : windows_) {
      if (!is_open(window)) continue;
      const Operation& last = at(window, window.end - 1);
      const std::uint32_t* const given = known_.row(last.core, last.acquired);
      for (std::uint32_t core = 0; core < cores; ++core) {
        stays_[core] = std::max(stays_[core], given[core]);
      }
      stays_[last.core] = std::max(stays_[last.core], last.release);
    }
    return lower_to_stays();
  }
  for (std::uint32_t core = 0; core < cores; ++core) {
    if (core == wait.core) continue;
    lower(core, [&](std::uint32_t release) {
      std::int64_t sum = 0;
      for (const Window& window : windows_) {
        sum += window.chain->sums[without(window, core, release)];
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
  theirs = std::min(held, std::max(before_[last.core], last.release));
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
    if (goes_on_after(chain.core, wait)) continue;
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
  for (const Window& window : windows_) limits_.push_back(without(window, core, release));
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
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    const std::vector<std::uint32_t>& all = windows_[w].chain->replacements;
    auto index = std::lower_bound(all.begin(), all.end(), windows_[w].begin);
    for (; index != all.end() && *index < limits_[w]; ++index) {
      most = std::max(most, reach_from({&at(windows_[w], *index), w, *index}, sign));
    }
  }
  return most;
}

std::int64_t Striking::reach_from(const Start& start, int sign) const {
  std::int64_t sum = sign * distance(static_cast<std::uint32_t>(value_of(start)));
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    const std::optional<std::int64_t> most = best(w, start, sign);
    if (!most) return impossible;
    sum += *most;
  }
  return sum;
}

// True if an operation that has arrived, at index `from` or later, is a replacement.
bool Striking::is_replaced_in(const Window& window, std::uint32_t from) {
  const std::vector<std::uint32_t>& all = window.chain->replacements;
  const auto next = std::lower_bound(all.begin(), all.end(), from);
  return next != all.end() && *next < window.known;
}

Striking::Begin Striking::begin_in_order(std::size_t w, const Start& start) const {
  const Window& window = windows_[w];
  if (start.operation == nullptr) return {window.begin, window.begin};
  if (start.window == w) return {start.index + 1, start.index + 1};
  const std::uint32_t first = begin_after(start, window);
  return {first, first_not(first, limits_[w], [&](std::uint32_t index) {
            return !is_before(*start.operation, at(window, index));
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
std::optional<std::int64_t> Striking::best(std::size_t w, const Start& start, int sign) const {
  const Window& window = windows_[w];
  const std::uint32_t limit = limits_[w];
  const bool is_overtaken = !signals_in_order_ && start.operation != nullptr && start.window != w;
  const auto [first, certain] =
      is_overtaken ? Begin{window.begin, limit} : begin_in_order(w, start);
  if (!signals_in_order_) {
    const bool is_own = window.chain->core == wait_->core;
    return best_overtaking(w, is_own ? first : window.begin, certain, sign);
  }
  std::int64_t most = impossible, sum = impossible;
  for (std::uint32_t index = first;; ++index) {
    if (index <= certain) sum = std::max<std::int64_t>(sum, 0);
    if (index >= certain && index < window.known && !is_replaced_in(window, index)) {
      sum += sign * (window.chain->sums[window.known] - window.chain->sums[index]);
      index = window.known;
    }
    if (index >= window.known) most = std::max(most, sum);
    if (index >= limit) break;
    const Operation& operation = at(window, index);
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
std::int64_t Striking::best_overtaking(std::size_t w, std::uint32_t first, std::uint32_t certain,
                                       int sign) const {
  const Window& window = windows_[w];
  std::int64_t sum = 0;
  for (std::uint32_t index = first; index < limits_[w]; ++index) {
    const Operation& operation = at(window, index);
    if (operation.replaces()) continue;
    const std::int64_t value = sign * operation.value;
    const bool has_arrived =
        operation.core == wait_->core && index >= certain && index < window.known;
    if (value > 0 || has_arrived) sum += value;
  }
  return sum;
}

}  // namespace peal
