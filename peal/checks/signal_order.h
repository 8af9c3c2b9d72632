// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "peal/checks/access_history.h"
#include "peal/checks/core_order.h"
#include "peal/checks/findings.h"
#include "peal/checks/memory_regions.h"
#include "peal/machine/event.h"

namespace peal {

// A notify, as it counts for the waits on its cell.
struct Notify {
  std::uint32_t core = 0;
  std::uint32_t release = 0;   // its number among the releases of its core, from 1
  std::uint32_t acquired = 0;  // waits that its core had passed
  std::uint32_t cell = 0;
  std::uint64_t moment = 0;  // in the order of the run
  std::int64_t value = 0;
  NotifyOp op{};
  PlaceId place = 0;
};

// A wait that was satisfied.
struct SatisfiedWait {
  std::uint32_t core = 0;
  std::uint32_t acquire = 0;          // its number among the waits of its core, from 1
  std::uint32_t releases_before = 0;  // of its core
  std::uint32_t cell = 0;
  std::uint64_t moment = 0;
  std::uint32_t threshold = 0;
  WaitCmp cmp{};
  bool polled = false;
  PlaceId place = 0;
  LaneClock clock;  // of the scalar unit when it passed
  // The notifies that it provably needed, the last of each notifier.
  std::vector<std::uint32_t> needed;
  // Those of an earlier batch, by core and release, on which other waits were settled.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> assumed;
};

// A store that gives a cell a new value, whatever it held.
struct CellStore {
  Access access;
  LaneClock clock;
  std::uint32_t cell = 0;
  std::uint64_t moment = 0;
  std::int64_t value = 0;
};

// Happens-before between cores, by minimal acquire: a wait is ordered after those notifies without
// which it could not have been satisfied, whatever else might have come first. The least fixpoint
// of that rule over all notifies and waits that are not yet settled.
class SignalOrder {
 public:
  SignalOrder(std::deque<CoreOrder>& cores, const MemoryRegions& regions)
      : cores_(cores), regions_(regions) {}

  void notify(const Event& event, std::uint32_t release, PlaceId place, std::uint64_t moment);
  void wait(const Event& event, std::uint32_t acquire, const LaneClock& clock, PlaceId place,
            std::uint64_t moment);
  // Scalar code looks at a cell by itself, and may go on by what it sees: it is taken to be ordered
  // after every notify so far, which another run may not have.
  void look(const Event& event, std::uint32_t acquire);
  // Whether a look has given order that the waits do not.
  [[nodiscard]] bool has_ordering_looks() const { return has_ordering_looks_; }
  void task_end(const Event& event, std::uint32_t release);
  void task_after(const Event& event, std::uint32_t acquire);

  [[nodiscard]] bool is_cell(std::uint64_t address) const { return ids_.contains(address); }
  [[nodiscard]] bool has_cell_in(std::uint64_t begin, std::uint64_t end) const {
    const auto cell = by_address_.lower_bound(begin);
    return cell != by_address_.end() && cell->first < end;
  }
  // Stores of this batch to cells, which may erase notifies.
  void add_store(const CellStore& store) { stores_.push_back(store); }
  // Calls `visit(cell, address)` for the cells in [begin, end).
  template <class Visit>
  void cells_in(std::uint64_t begin, std::uint64_t end, Visit&& visit) const {
    for (auto cell = by_address_.lower_bound(begin); cell != by_address_.end() && cell->first < end;
         ++cell) {
      visit(cell->second, cell->first);
    }
  }

  // Works out the order. With `all`, everything is settled; otherwise only waits that every core is
  // ordered after, as far as it is known: what the last waits of a batch have needed is assumed,
  // and looked at again in the next one. Returns the settled waits in the order of the run;
  // forget_settled() ends their lives.
  [[nodiscard]] std::vector<const SatisfiedWait*> settle(bool all);
  void forget_settled();
  // Whether an assumption was wrong: somebody new has notified a signal. Then only a run in one
  // batch decides.
  [[nodiscard]] bool has_assumed_wrongly() const { return has_assumed_wrongly_; }

  // How many waits of a core are settled: what comes after more is not to be judged yet.
  [[nodiscard]] std::uint32_t settled_acquires(std::uint32_t core) const {
    return core < settled_.size() ? settled_[core] : 0;
  }
  // How many releases of core `of` are known to a core that has passed so many waits.
  [[nodiscard]] std::uint32_t known(std::uint32_t core, std::uint32_t acquired,
                                    std::uint32_t of) const {
    if (core >= rows_.size()) return 0;
    const std::uint32_t index = acquired < first_rows_[core] ? 0 : acquired - first_rows_[core];
    return rows_[core][static_cast<std::size_t>(index) * core_count_ + of];
  }

  [[nodiscard]] const Notify& notify_at(std::uint32_t index) const { return notifies_[index]; }
  [[nodiscard]] std::uint64_t cell_address(std::uint32_t cell) const {
    return cells_[cell].address;
  }
  // The notifies on a cell that were not settled before, in the order of the run.
  [[nodiscard]] std::vector<std::uint32_t> notifies_on(std::uint32_t cell) const;
  // Those of them that may count for the wait.
  [[nodiscard]] std::vector<std::uint32_t> counted(const SatisfiedWait& wait) const {
    return counting(wait, cells_[wait.cell]).notifies;
  }
  // Whether the wait compares so with what the cell holds at first, and nothing that is ordered
  // before it changes that.
  [[nodiscard]] bool holds_from_the_start(const SatisfiedWait& wait) const;
  // Whether a notify that is not ordered before the wait for equality can carry the cell past it.
  [[nodiscard]] bool can_pass(const SatisfiedWait& wait) const;
  [[nodiscard]] std::size_t pending() const { return items_.size(); }
  [[nodiscard]] std::size_t pending_notifies() const { return notifies_.size(); }

 private:
  struct Chain {  // the notifies of one core on one cell, in program order
    std::uint32_t core = 0;
    std::vector<std::uint32_t> notifies;
    std::vector<std::int64_t> sums{0};  // of the values before each
  };
  struct Cell {
    std::uint64_t address = 0;
    std::uint32_t base = 0;  // what it holds before the notifies that are not settled
    bool only_adds = true;   // of positive values, and no stores
    std::vector<Chain> chains;
  };
  struct Item {
    enum class Kind : std::uint8_t { wait, after, look } kind{};
    std::uint32_t index = 0;
  };
  struct After {
    std::uint32_t core = 0;
    std::uint32_t acquire = 0;
    std::int64_t task = 0;
  };
  struct Released {
    std::uint32_t core = 0, release = 0, acquired = 0;
  };
  struct Look {
    std::uint32_t core = 0;
    std::uint32_t acquire = 0;
    std::vector<Released> seen;
  };

  std::uint32_t cell_id(std::uint64_t address);
  Chain& chain(Cell& cell, std::uint32_t core);
  void widen();
  void find_fixpoint();
  void compute_rows();
  void join(std::uint32_t core, std::uint32_t acquire, const Released& released);
  [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> core_and_acquire(const Item& item) const;
  bool add_needed(SatisfiedWait& wait);
  bool add_needed_of_adds(SatisfiedWait& wait, const Cell& cell, std::int64_t need);
  bool add_needed_generally(SatisfiedWait& wait, const Cell& cell);
  bool add_edge(SatisfiedWait& wait, std::uint32_t notify);
  [[nodiscard]] std::int64_t needs(const SatisfiedWait& wait, std::uint32_t base) const;
  [[nodiscard]] bool is_after(const Notify& notify, const SatisfiedWait& wait) const;
  [[nodiscard]] bool is_after(const Notify& later, const Notify& earlier) const;
  [[nodiscard]] bool is_before(const Notify& notify, const CellStore& store) const;
  [[nodiscard]] bool is_before(const CellStore& store, const SatisfiedWait& wait) const;
  [[nodiscard]] bool is_before(const Notify& notify, const SatisfiedWait& wait) const;
  [[nodiscard]] std::size_t not_after(const Chain& chain, const SatisfiedWait& wait) const;
  [[nodiscard]] std::size_t not_after(const Chain& chain, const Notify& notify,
                                      std::size_t limit) const;
  struct Counting {  // the notifies that may count for a wait, and what the cell holds without them
    std::vector<std::uint32_t> notifies;
    std::uint32_t base = 0;
  };
  [[nodiscard]] Counting counting(const SatisfiedWait& wait, const Cell& cell) const;
  void check_assumptions();
  void assume();
  void drop_rows();
  [[nodiscard]] std::uint32_t last_acquire(std::uint32_t core) const {
    return first_rows_[core] + static_cast<std::uint32_t>(rows_[core].size() / core_count_) - 1;
  }
  [[nodiscard]] bool is_known_to_all(const SatisfiedWait& wait) const;
  [[nodiscard]] bool is_settled(const Notify& notify) const;
  [[nodiscard]] std::uint32_t* row(std::uint32_t core, std::uint32_t acquired) {
    return rows_[core].data() +
           static_cast<std::size_t>(acquired - first_rows_[core]) * core_count_;
  }

  std::deque<CoreOrder>& cores_;
  const MemoryRegions& regions_;
  std::size_t core_count_ = 0;
  // Of each core, by the waits that it has passed from number first_rows_[core] on: the releases of
  // every core that it knows of.
  std::vector<std::vector<std::uint32_t>> rows_;
  std::vector<std::uint32_t> first_rows_;
  bool has_assumed_wrongly_ = false;
  std::vector<std::uint32_t> settled_;
  std::unordered_map<std::uint64_t, std::uint32_t> ids_;
  std::map<std::uint64_t, std::uint32_t> by_address_;
  std::vector<Cell> cells_;
  std::vector<Notify> notifies_;
  std::vector<SatisfiedWait> waits_;
  std::vector<After> afters_;
  std::vector<Look> looks_;
  bool has_ordering_looks_ = false;
  std::vector<Item> items_;  // waits and task starts, in the order of the run
  std::vector<CellStore> stores_;
  std::map<std::int64_t, std::vector<Released>> task_ends_;
};

}  // namespace peal
