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

// The first index in [from, to) for which the predicate does not hold, or `to`, by binary search.
// The predicate must not hold again after that index.
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

// What the checks conclude about a wait whose order is final.
struct WaitVerdict {
  // What its core did and waited for on this cell before satisfies the wait already, and at least
  // one operation on the cell is unordered with the wait, which therefore does not wait for it.
  bool is_vacuous = false;
  // The wait is satisfied already, and every operation on the cell is ordered before or after it.
  bool is_redundant = false;
  // The first operation that is unordered with the wait, and an operation after which the wait may
  // never end; null if there is none. Valid until SignalOrder::forget_final().
  const Operation* unordered = nullptr;
  const Operation* missed_by = nullptr;
};

// One step of the fixpoint of signal_order.h: for one wait W, which pairs (x, W) stay. Letters and
// lemmas are those of the proof there. W's row in `known` holds, for each core, the last release x
// for which (x, W) is still a pair; to strike pairs is to lower an entry of that row. One number
// per core is enough, because (b) is monotone: fewer operations are x or after x the later x is, so
// if (x, W) stays, it stays for every earlier release of the same core.
class Striking {
 public:
  Striking(OperationLog& log, KnownReleases& known, bool signals_in_order)
      : log_(log), known_(known), signals_in_order_(signals_in_order) {}

  [[nodiscard]] bool signals_in_order() const { return signals_in_order_; }
  // See SignalOrder::allow_repeats.
  void allow_repeats(std::uint32_t most) { max_repeats_ = most; }
  // Lowers the wait's row to the pairs that stay; returns true if any pair was struck. With
  // `may_come`, computes the pessimistic relation of lemma 4, else the optimistic one.
  bool strike(const SatisfiedWait& wait, bool may_come);
  // The verdict on a final wait.
  [[nodiscard]] WaitVerdict judge(const SatisfiedWait& wait);
  // Every value that a look at a polled word, or a poll of a signal, can find in any schedule;
  // nullopt if that is unknown.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> findable(const SatisfiedWait& look);
  // True if an operation unordered with the look may give its word a value that does not end it.
  [[nodiscard]] bool may_miss(const SatisfiedWait& look);

  // "After W" of the definitions.
  [[nodiscard]] bool is_after(const Operation& operation, const SatisfiedWait& wait) const {
    if (operation.core == wait.core) return operation.acquired >= wait.acquire;
    return known_.known(operation.core, operation.acquired, wait.core) > wait.releases_before;
  }
  // True if every operation that the core performs from now on is after the wait.
  [[nodiscard]] bool is_past(std::uint32_t core, const SatisfiedWait& wait) const {
    return core == wait.core ||
           known_.known(core, known_.last(core), wait.core) > wait.releases_before;
  }
  // True if that holds for every core that has operated on the wait's cell (lemma 4).
  [[nodiscard]] bool is_closed(const SatisfiedWait& wait) const {
    const std::vector<Chain>& chains = log_.cell(wait.cell).chains;
    return std::all_of(chains.begin(), chains.end(),
                       [&](const Chain& chain) { return is_past(chain.core, wait); });
  }
  // How many kept operations on the wait's cell are not after it.
  [[nodiscard]] std::size_t count_open(const SatisfiedWait& wait) {
    load_wait(wait);
    std::size_t count = 0;
    for (const ChainPart& part : parts_) count += part.end;
    return count;
  }

 private:
  // The part of a chain that can count for W, by index. Before `begin`: replaced for certain.
  // [begin, known): known to W's core before W, so they have arrived. [known, end): may or may not
  // have arrived. From `end` on: after W.
  struct ChainPart {
    const Chain* chain = nullptr;
    std::uint32_t begin = 0, known = 0, end = 0;
  };
  struct Start {  // where a sum begins: at a replacement, or, without one, at the cell's base value
    const Operation* operation = nullptr;
    std::size_t part = 0;
    std::uint32_t index = 0;
  };

  [[nodiscard]] bool may_wrap() const;
  void load_wait(const SatisfiedWait& wait);
  void drop_replaced();
  void strike_of_adds(const SatisfiedWait& wait);
  void strike_generally(const SatisfiedWait& wait);
  void lower_to_stays();
  void lower_to_knowledge_of(const Operation& last);
  void strike_by_what_may_come(const SatisfiedWait& wait);
  // Where the adds of a chain that count after a Start may begin, if signals arrive in order: not
  // before index `first` (what precedes the start) and not after `certain` (what follows it).
  struct Begin {
    std::uint32_t first = 0, certain = 0;
  };
  [[nodiscard]] Begin begin_in_order(std::size_t part, const Start& start) const;
  [[nodiscard]] bool may_be_last(std::size_t part, const Start& start) const;
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> sums(std::size_t part,
                                                               const Start& start) const;
  template <class Visit>
  [[nodiscard]] bool visit_values(const Visit& visit) const;
  [[nodiscard]] bool has_failed(std::uint64_t bits) const;
  void strike_look(const SatisfiedWait& look, bool may_come);
  void find_seen(const SatisfiedWait& look, bool may_come);
  [[nodiscard]] bool has_seen(const Operation& operation, std::uint32_t core,
                              std::uint32_t acquired) const;
  // Lowers the entry of `core` to its last release for which the pair stays. Binary search, as (b)
  // is monotone; releases up to before_[core] stay by (a).
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
  [[nodiscard]] std::optional<std::int64_t> best(std::size_t part, const Start& start,
                                                 int sign) const;
  void show_arrivals();
  [[nodiscard]] std::uint32_t count_replaced(const ChainPart& part, const Operation& later) const;
  [[nodiscard]] static bool is_replaced_in(const ChainPart& part, std::uint32_t from);
  [[nodiscard]] std::int64_t best_overtaking(std::size_t part, std::uint32_t first,
                                             std::uint32_t certain, int sign) const;
  [[nodiscard]] std::int64_t distance(std::uint32_t value) const;
  // The last replacement of a chain before index `end`, unless it is replaced for certain.
  [[nodiscard]] std::optional<Start> last_replacement(std::size_t part, std::uint32_t end) const;
  // The index after the operations of a part that precede the start, and so are erased by it.
  [[nodiscard]] std::uint32_t begin_after(const Start& start, const ChainPart& part) const;
  [[nodiscard]] std::int64_t value_of(const Start& start) const {
    return start.operation == nullptr ? static_cast<std::int32_t>(cell_->base)
                                      : start.operation->value;
  }
  [[nodiscard]] std::uint64_t bits_of(const Operation& operation) const;
  [[nodiscard]] std::int64_t known_value(const Start& last) const;
  [[nodiscard]] std::int64_t value_at_deadlock(const Start& last, int sign) const;
  [[nodiscard]] bool others_only_help() const;
  void find_missed(WaitVerdict& verdict);

  [[nodiscard]] const Operation& at(const ChainPart& part, std::size_t index) const {
    return log_[part.chain->operations[index]];
  }
  // The last release of `core` that the operation is after: it is "after x" if that is x or later.
  [[nodiscard]] std::uint32_t comes_after(const Operation& operation, std::uint32_t core) const {
    return operation.core == core ? operation.last_release
                                  : known_.known(operation.core, operation.acquired, core);
  }
  // True if the order is certain: by program order on one core, otherwise because the core of
  // `later` knew that `earlier` had taken effect.
  [[nodiscard]] bool is_before(const Operation& earlier, const Operation& later) const {
    if (earlier.core == later.core) return earlier.number < later.number;
    return known_.known(later.core, later.acquired, earlier.core) >= earlier.known_from ||
           (cell_->is_word && has_seen(earlier, later.core, later.acquired));
  }
  // True if W's core knows that the operation has taken effect: before W with the row before_, at W
  // with row_.
  [[nodiscard]] bool is_known(const Operation& operation, const SatisfiedWait& wait,
                              const std::uint32_t* row) const {
    if (operation.core == wait.core) return operation.own_known_from <= wait.acquire;
    return operation.known_from <= row[operation.core] ||
           (cell_->is_word && has_seen(operation, wait.core, wait.acquire - 1));
  }
  // The index at which the part ends if x has not happened: the first operation from `known` on
  // that is x or after x, x being this release of `core`.
  [[nodiscard]] std::uint32_t without(const ChainPart& part, std::uint32_t core,
                                      std::uint32_t release) const;
  // How many of the chain's operations come before `later`, which may be of any chain.
  [[nodiscard]] std::uint32_t count_before(const Chain& chain, const Operation& later) const;

  OperationLog& log_;
  KnownReleases& known_;
  bool signals_in_order_;
  std::uint32_t max_repeats_ = 0;
  // State of the current wait, set by load_wait():
  const SatisfiedWait* wait_ = nullptr;
  const Cell* cell_ = nullptr;
  const std::uint32_t* before_ = nullptr;  // the row that its core had before the wait
  std::uint32_t* row_ = nullptr;
  bool changed_ = false;
  bool base_is_replaced_ = false;
  std::vector<ChainPart> parts_;
  std::vector<std::uint32_t> stays_;   // an upper limit for its row
  std::vector<std::uint32_t> limits_;  // by part: where it ends if x has not happened
};

}  // namespace peal
