// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "peal/checks/memory/memory_regions.h"
#include "peal/checks/order/core_order.h"
#include "peal/checks/order/known_releases.h"
#include "peal/checks/order/operation.h"
#include "peal/checks/order/operation_log.h"
#include "peal/checks/order/own_bounds.h"
#include "peal/checks/order/striking.h"
#include "peal/run/event.h"

namespace peal {

// The order that waits give, worked out from one run and true in every schedule.
//
// Definitions. Each core does its operations one after the other. A *release* is a point of that
// program order at which others may hear of the core: a notify, or the end of a task. For a release
// x of one core and a wait W of another, "x < W" shall mean: in every schedule that passes W, x
// comes before. A core that passes W then knows of x, and of all that x knew.
//   An operation on W's cell is *after W* if its core knew, before it, of a release behind W; it is
// *after x* if it is x, follows it on its core, or its core knew of x before it. W's core *knew of
// x before W* if one of its earlier waits gave it x. All three go by the relation "<" itself.
//
// The rule is a greatest fixpoint. Begin with the order of the run: x < W for each release x that
// came before W there. Strike out pairs until nothing changes: (x, W) stays only if W's core knew
// of x before W, or if W could not pass without x, that is, if its comparison fails for whatever
// the cell can hold by operations that are neither after W, nor x, nor after x.
//
// Theorem. What stays is true in every schedule.
// Proof. Suppose not; take a schedule and the earliest wait W in it that passes although x has not
// happened, (x, W) being a pair that stays. Then no earlier wait contradicts the relation. W's core
// did not know of x before: its earlier wait that gave it x would be an earlier contradiction. So
// the comparison fails for all that operations which are neither after W nor after x can make of
// the cell; as it did pass, an operation n counted that is one of these.
//   n is x, or follows it on its core: then x has happened. No.
//   n is after x by a wait W' of n's core that passed before n, thus before W: x < W' is a pair
// that stays, W' is earlier, so x happened before W' passed. No.
//   n is after W by a wait W' that passed before n: a release behind W happened before W', earlier
// than W itself passed. No.                                                                   []
//
// Lemma 1. What the cell can hold lies between two bounds. A comparison fails for all of it if it
// fails at the bound that favours it (>=, >, reached: the upper; <=, <: the lower; ==: either
// bound leaves the value out; !=: both bounds are that value).
// Lemma 2. For the upper bound all adds of positive value count that may have come. What lowers the
// cell counts only if W's core knew of it before W, not by way of W itself: an add of -2 whose core
// needs W's add of 5 would justify itself. Of one core's adds a first part has come, at least what
// is known, so the best such part counts (-1, +1, +1 add at most 1). The lower bound mirrors this.
// Lemma 3. A replacement (Set, store) that can still come begins the sum anew, with those adds that
// are not before it; one that W's core knew of before W ends what came before. Known means arrived:
// signals of one core arrive in order, and one to a cell of its own rank before the core goes on.
// Where they may overtake each other (switch signals_in_order off), only what W's own core has
// lowered is known to have arrived, and there is no first part: everything positive counts alone.
// Lemma 4. What is true lies between two relations: one for which a core that goes on may do
// anything to a cell, which is after what it knows now, and one for which nothing comes any more. A
// wait is settled when both say the same of it, and whatever is done to its cell from then on is
// after it. The cores that go on are those that have done something to the cell before; where
// another one comes later, and is not past the settled waits, the run is checked again in one
// batch.
//
// Lemma 5. A loop of looks at a polled word, a wait whose comparison is unknown, asks for none of
// the values that have not ended it. So it fails for all that the cell can hold if each such value
// is one of these. Where every value that can have ended it is a store s or comes after s, then s
// has happened before the wait (`seen`): at least the bytes looked at, and what the core of s had
// done before s began, are before it. That is a fact about the word alone, since a store by a pipe
// is no release of its core.
//
// Limits. Only for adds of positive values and comparisons that ask for more is the relation all
// that is true; otherwise a bound may be reached by no schedule, and then order is missing, never
// made up. A branch on what a wait saw would change the program; the checks search then. A loop of
// looks that would end by its own count is taken to be a wait.
class SignalOrder {
 public:
  SignalOrder(std::deque<CoreOrder>& cores, const MemoryRegions& regions, bool signals_in_order)
      : cores_(cores), log_(regions), striking_(log_, known_, signals_in_order) {}

  // A core releases, which comes before what is told of that below; returns its number, from 1.
  std::uint32_t release(std::uint32_t core) {
    set_core_count();
    close_look(core);
    releases_.push_back(core);
    return cores_[core].release();
  }
  [[nodiscard]] bool signals_in_order() const { return striking_.signals_in_order(); }
  void notify(const Event& event, std::uint32_t release, SourceId place, std::uint64_t moment);
  void wait(const Event& event, std::uint32_t acquire, const LaneClock& clock, SourceId place,
            std::uint64_t moment);
  // Scalar code looks at a cell that is not known to be polled, and may go on by what it sees: it
  // is taken to be ordered after every notify so far, which another run may not have.
  void look(const Event& event, std::uint32_t acquire);
  // Whether a look has given order that the waits do not.
  [[nodiscard]] bool has_ordering_looks() const { return has_ordering_looks_; }
  // These bytes are polled from here on.
  void add_word(const Event& event) {
    has_words_ = true;
    log_.add_word(event.address, static_cast<std::uint32_t>(event.size_bytes),
                  static_cast<std::uint64_t>(event.value));
  }
  [[nodiscard]] bool has_words() const { return has_words_; }
  [[nodiscard]] bool is_word(std::uint64_t address) const { return log_.is_word(address); }
  // A look at a polled word, which is the last thing that its core has waited for until it does
  // something else: the next look that is the same goes on with it.
  // In another run it was a loop, which what is inherited has not ended.
  void look_at_word(const Event& event, std::uint32_t acquire, const LaneClock& clock,
                    SourceId place, std::uint64_t moment,
                    const std::vector<std::uint64_t>* inherited = nullptr);
  // The number of a core's next look that is not the same as the one before it.
  [[nodiscard]] std::uint32_t next_look(std::uint32_t core) {
    set_core_count();
    return look_counts_[core] + 1;
  }
  // How often in a row a loop may have found the value that has ended it.
  void allow_repeats(std::uint32_t most) { striking_.allow_repeats(most); }
  // The scalar unit has stored to a polled word, at once and with what it had done before.
  void store_word(const Event& event, std::uint32_t release, SourceId place, std::uint64_t moment);
  void make_opaque(std::uint64_t address) { log_.cell(log_.cell_id(address)).is_opaque = true; }
  // Whether a look has been gone on with: then it is no access, but a wait. Asked once.
  [[nodiscard]] bool take_waiting_look(std::uint32_t core, std::uint32_t acquire) {
    return waiting_looks_.erase({core, acquire}) != 0;
  }
  // Whether who has passed so many waits has seen, or heard of who has, that a store to a polled
  // word has happened.
  [[nodiscard]] bool has_seen(const Cell& cell, std::uint32_t core, std::uint32_t acquired,
                              const Access& store) const;
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> findable(const SatisfiedWait& look) {
    return striking_.findable(look);
  }
  // Whether something in no order with a look gives its word a value that has not ended it.
  [[nodiscard]] bool may_miss(const SatisfiedWait& look) { return striking_.may_miss(look); }
  void task_end(const Event& event, std::uint32_t release);
  void task_after(const Event& event, std::uint32_t acquire);
  // Stores of this batch to cells, which replace their values.
  void add_store(const CellStore& store);

  [[nodiscard]] const OperationLog& log() const { return log_; }

  // Works out the order. With `all`, everything is settled; otherwise only waits whose order
  // nothing that comes can change. Returns the settled waits in the order of the run;
  // forget_settled() ends their lives.
  [[nodiscard]] std::vector<const SatisfiedWait*> settle(bool all);
  // What is still to be judged asks for a core's knowledge from so many waits on, for each core.
  void forget_settled(const std::vector<std::uint32_t>& oldest_asked);
  // Whether somebody new has done something to a cell after all: then only a run in one batch
  // decides.
  [[nodiscard]] bool has_assumed_wrongly() const { return has_assumed_wrongly_; }
  [[nodiscard]] WaitVerdict judge(const SatisfiedWait& wait) { return striking_.judge(wait); }

  // How many waits of a core are settled: what comes after more is not to be judged yet.
  [[nodiscard]] std::uint32_t settled_acquires(std::uint32_t core) const {
    return core < settled_.size() ? settled_[core] : 0;
  }
  // How many releases of core `of` are known to a core that has passed so many waits.
  [[nodiscard]] std::uint32_t known(std::uint32_t core, std::uint32_t acquired,
                                    std::uint32_t of) const {
    return known_.known(core, acquired, of);
  }
  [[nodiscard]] std::size_t pending() const { return items_.size(); }
  [[nodiscard]] std::size_t pending_operations() const { return log_.size(); }

 private:
  struct Item {  // what gives a core knowledge, in the order of the run
    enum class Kind : std::uint8_t { wait, after, look } kind{};
    std::uint32_t index = 0;  // in waits_, or in heard_
    std::uint32_t core = 0;
    std::uint32_t acquire = 0;
    std::size_t releases_before = 0;  // of all cores, among those that are kept
  };
  struct Released {
    std::uint32_t core = 0, release = 0, acquired = 0;
  };
  using Heard = std::vector<Released>;

  void set_core_count();
  void close_look(std::uint32_t core);
  [[nodiscard]] Operation operation_of(const Event& event, std::uint32_t release,
                                       Operation::Kind kind, SourceId place, std::uint64_t moment);
  void note_own_change(const Operation& operation);
  void add_item(Item item);
  void hear(Item::Kind kind, std::uint32_t core, std::uint32_t acquire, Heard heard);
  void find_positions_of_stores();
  void find_fixpoint(bool goes_on);
  bool update(const Item& item, bool goes_on);
  bool join(const Item& item, const Heard& heard);
  void start_anew();
  void assume_arrivals();
  void check_assumptions();
  void note_settled();
  struct Optimistic {
    std::vector<std::uint32_t> rows;
    std::vector<std::size_t> open;
  };
  [[nodiscard]] Optimistic without_future();
  void find_settled(const Optimistic& optimistic);
  [[nodiscard]] bool is_settled(const Operation& operation) const;
  void forget_items();
  void forget_seen(const std::vector<std::uint32_t>& oldest_asked);
  void forget_operations();
  void drop_rows(const std::vector<std::uint32_t>& oldest_asked);

  std::deque<CoreOrder>& cores_;
  KnownReleases known_;
  OperationLog log_;
  Striking striking_;
  OwnBounds bounds_;
  std::vector<std::uint32_t> settled_;  // of each core, how many waits
  std::vector<SatisfiedWait> waits_;
  std::vector<Heard> heard_;  // by an item that is no wait
  // Of each core: the wait that is a look which may go on, and how many looks it has made.
  std::vector<std::uint32_t> open_looks_, look_counts_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> waiting_looks_;
  bool has_ordering_looks_ = false, has_words_ = false;
  bool has_assumed_wrongly_ = false;
  std::vector<Item> items_;
  // The order of the run, from the first item on: whose releases came, and how many before that.
  std::vector<std::uint32_t> releases_;
  std::vector<std::uint32_t> first_counts_;
  std::vector<CellStore> stores_;
  std::map<std::int64_t, Heard> task_ends_;
};

}  // namespace peal
