// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "peal/checks/order/known_releases.h"
#include "peal/checks/order/operation.h"
#include "peal/checks/order/operation_log.h"

namespace peal {

// The first index in [from, to) for which the predicate does not hold; it holds up to there.
template <class Predicate>
[[nodiscard]] std::uint32_t first_not(std::uint32_t from, std::uint32_t to,
                                      const Predicate& predicate) {
  while (from < to) {
    const std::uint32_t middle = from + (to - from) / 2;
    if (predicate(middle)) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

// What is to be said of a wait when its order is final.
struct WaitVerdict {
  // It holds by what its core has done and waited for on this cell before, and something that is
  // done to the cell is in no order with it: the wait does not wait for that.
  bool is_vacuous = false;
  // It does, and everything that is done to the cell is ordered before the wait or after it.
  bool is_redundant = false;
  // Where there is one, the first operation in no order with the wait; and one after which it can
  // wait for ever. They live as long as what is settled is not forgotten.
  const Operation* unordered = nullptr;
  const Operation* missed_by = nullptr;
};

// One step of the rule (signal_order.h): which pairs (x, W) stay for one wait W. The relation is in
// the rows of `known`, which it lowers. Lemmas are numbered as there.
class Striking {
 public:
  Striking(OperationLog& log, KnownReleases& known, bool signals_in_order)
      : log_(log), known_(known), signals_in_order_(signals_in_order) {}

  [[nodiscard]] bool signals_in_order() const { return signals_in_order_; }
  void allow_repeats(std::uint32_t most) { max_repeats_ = most; }
  // Lowers the row of the wait to what stays; whether any pair was struck. If the run `goes_on`,
  // whoever has done something to the cell and is not known to come after the wait may do more.
  bool strike(const SatisfiedWait& wait, bool goes_on);
  [[nodiscard]] WaitVerdict judge(const SatisfiedWait& wait);
  // All that a look at a polled word, or one that compares, can find; none if that is unknown.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> findable(const SatisfiedWait& look);
  // Whether something in no order with a look gives its word a value that has not ended it.
  [[nodiscard]] bool may_miss(const SatisfiedWait& look);

  [[nodiscard]] bool is_after(const Operation& operation, const SatisfiedWait& wait) const {
    if (operation.core == wait.core) return operation.acquired >= wait.acquire;
    return known_.known(operation.core, operation.acquired, wait.core) > wait.releases_before;
  }
  // Whether whatever the core does from here on is after the wait.
  [[nodiscard]] bool goes_on_after(std::uint32_t core, const SatisfiedWait& wait) const {
    return core == wait.core ||
           known_.known(core, known_.last(core), wait.core) > wait.releases_before;
  }
  // Whether whatever is done to the wait's cell from here on, by whoever has done so before, is
  // after the wait.
  [[nodiscard]] bool is_closed(const SatisfiedWait& wait) const {
    const std::vector<Chain>& chains = log_.cell(wait.cell).chains;
    return std::all_of(chains.begin(), chains.end(),
                       [&](const Chain& chain) { return goes_on_after(chain.core, wait); });
  }
  // How many operations on the wait's cell are not after it.
  [[nodiscard]] std::size_t count_open(const SatisfiedWait& wait) {
    look_at(wait);
    std::size_t count = 0;
    for (const Window& window : windows_) count += window.end;
    return count;
  }

 private:
  // Of a chain: operations before `begin` are replaced for certain, those before `known` have taken
  // effect, those from `end` on are after the wait.
  struct Window {
    const Chain* chain = nullptr;
    std::uint32_t begin = 0, known = 0, end = 0;
  };
  struct Start {  // the last replacement of a cell's value, or none: its base
    const Operation* operation = nullptr;
    std::size_t window = 0;
    std::uint32_t index = 0;
  };

  [[nodiscard]] bool may_wrap() const;
  void look_at(const SatisfiedWait& wait);
  void drop_replaced();
  void strike_of_adds(const SatisfiedWait& wait);
  void strike_generally(const SatisfiedWait& wait);
  void lower_to_stays();
  void lower_to_knowledge_of(const Operation& last);
  void strike_by_what_may_come(const SatisfiedWait& wait);
  // Where what a chain adds after the start begins, first and last, as signals come in order.
  struct Begin {
    std::uint32_t first = 0, certain = 0;
  };
  [[nodiscard]] Begin begin_in_order(std::size_t window, const Start& start) const;
  [[nodiscard]] bool may_be_last(std::size_t window, const Start& start) const;
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> sums(std::size_t window,
                                                               const Start& start) const;
  template <class Visit>
  [[nodiscard]] bool visit_values(const Visit& visit) const;
  [[nodiscard]] bool has_failed(std::uint64_t bits) const;
  void strike_look(const SatisfiedWait& look, bool goes_on);
  void find_seen(const SatisfiedWait& look, bool may_come);
  [[nodiscard]] bool has_seen(const Operation& operation, std::uint32_t core,
                              std::uint32_t acquired) const;
  // Finds the last release of `core` for which the pair stays; if it does for one, it does for all
  // before.
  template <class Stays>
  void lower(std::uint32_t core, const Stays& stays) {
    const std::uint32_t low = before_[core], high = row_[core];
    if (high <= low || stays(high)) return;
    row_[core] = first_not(low + 1, high, stays) - 1;
    changed_ = true;
  }
  [[nodiscard]] bool stays(std::uint32_t core, std::uint32_t release);
  [[nodiscard]] std::int64_t reach(int sign);
  [[nodiscard]] std::int64_t reach_from(const Start& start, int sign) const;
  [[nodiscard]] std::optional<std::int64_t> best(std::size_t window, const Start& start,
                                                 int sign) const;
  void show_arrivals();
  [[nodiscard]] std::uint32_t count_replaced(const Window& window, const Operation& later) const;
  [[nodiscard]] static bool is_replaced_in(const Window& window, std::uint32_t from);
  [[nodiscard]] std::int64_t best_overtaking(std::size_t window, std::uint32_t first,
                                             std::uint32_t certain, int sign) const;
  [[nodiscard]] std::int64_t distance(std::uint32_t value) const;
  // The last replacement in a window before an index, unless it is replaced itself.
  [[nodiscard]] std::optional<Start> last_replacement(std::size_t window, std::uint32_t end) const;
  // Where what counts of a window begins, after the start.
  [[nodiscard]] std::uint32_t begin_after(const Start& start, const Window& window) const;
  [[nodiscard]] std::int64_t value_of(const Start& start) const {
    return start.operation == nullptr ? static_cast<std::int32_t>(cell_->base)
                                      : start.operation->value;
  }
  [[nodiscard]] std::uint64_t bits_of(const Operation& operation) const;
  [[nodiscard]] std::int64_t known_value(const Start& last) const;
  [[nodiscard]] std::int64_t value_at_deadlock(const Start& last, int sign) const;
  [[nodiscard]] bool others_only_help() const;
  void find_missed(WaitVerdict& verdict);

  [[nodiscard]] const Operation& at(const Window& window, std::size_t index) const {
    return log_[window.chain->operations[index]];
  }
  // The last release of `core` that comes before the operation, or is it.
  [[nodiscard]] std::uint32_t comes_after(const Operation& operation, std::uint32_t core) const {
    return operation.core == core ? operation.release
                                  : known_.known(operation.core, operation.acquired, core);
  }
  [[nodiscard]] bool is_before(const Operation& earlier, const Operation& later) const {
    if (earlier.core == later.core) return earlier.number < later.number;
    return known_.known(later.core, later.acquired, earlier.core) >= earlier.known_from ||
           (cell_->is_word && has_seen(earlier, later.core, later.acquired));
  }
  [[nodiscard]] bool is_known(const Operation& operation, const SatisfiedWait& wait,
                              const std::uint32_t* row) const {
    if (operation.core == wait.core) return operation.own_known_from <= wait.acquire;
    return operation.known_from <= row[operation.core] ||
           (cell_->is_word && has_seen(operation, wait.core, wait.acquire - 1));
  }
  // How many of the chain's operations, from `from` to `to`, are not x or after it.
  [[nodiscard]] std::uint32_t without(const Window& window, std::uint32_t core,
                                      std::uint32_t release) const;
  // How many of the chain's operations come before one of another chain, or of this one.
  [[nodiscard]] std::uint32_t count_before(const Chain& chain, const Operation& later) const;

  OperationLog& log_;
  KnownReleases& known_;
  bool signals_in_order_;
  std::uint32_t max_repeats_ = 0;
  // Of the wait that is looked at:
  const SatisfiedWait* wait_ = nullptr;
  const Cell* cell_ = nullptr;
  const std::uint32_t* before_ = nullptr;  // what its core knew before
  std::uint32_t* row_ = nullptr;
  bool changed_ = false;
  bool base_is_replaced_ = false;
  std::vector<Window> windows_;
  std::vector<std::uint32_t> stays_;   // what stays of its row
  std::vector<std::uint32_t> limits_;  // of each window, where it ends without x
};

}  // namespace peal
