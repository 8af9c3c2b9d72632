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

// The happens-before order that waits create between cores: computed from one run, valid in every
// schedule. This folder computes it. Read this comment first, then operation.h (cells, chains,
// waits), known_releases.h (how "<" is stored), striking.h (the rule for one wait), final_waits.cpp
// (what is final in the middle of a run). core_order.h has the order within one core.
//
// Definitions. Each core performs its operations in program order. A *cell* is a signal or a polled
// word. A *release* is a point of the program order at which the core may publish what it has done:
// a notify, the end of a task, the issue of a store to a polled word. (Such a store is not a
// release itself, since a pipe performs it later; only an uncached store of the scalar unit is
// one.) A *wait* is an acquire. For a release x of one core and a wait W of another, "x < W" means:
// in every schedule that passes W, x happens before W. The pair is then written (x, W), and W
// *gives* x to its core. A core *knows* of x before an operation or wait if one of its earlier
// waits gives x. The relation that is computed is closed: after W, the core of W also knows all
// that the core of x knew at x, because an operation that is after x is after that, too.
//   An operation on W's cell is *after W* if it follows W on W's core, or if its core knew, before
// the operation, of a release that follows W on W's core. It is *after x* if it is x, follows x on
// the core of x, or its core knew of x before the operation. All these notions are evaluated with
// the relation "<" itself.
//
// The rule is a greatest fixpoint. Start with the order of the run: x < W for each release x that
// came before W there. Strike pairs until nothing changes. A pair (x, W) stays only if
//   (a) W's core knew of x before W, or
//   (b) W cannot pass without x. Of each core's operations on the cell, those that are neither
//       after W, nor x, nor after x, are a prefix; they *count*. The comparison fails for every
//       value that the cell can hold by any subset of what counts that is a prefix on each core, in
//       any interleaving. Lemmas 1 to 3 and 5 say which of these values are considered.
//
// Premise: each core performs the same operations, with the same values, in every schedule. Limits,
// below, has the programs of which this is not true.
//
// Theorem. Every pair that stays is true in every schedule.
// Proof. Suppose not: in some schedule a wait W passes although x has not happened, (x, W) being a
// pair that stays. Take the earliest such W, so that no earlier wait contradicts the relation. (a)
// does not hold: the earlier wait that gave x to W's core would be an earlier contradiction. So (b)
// holds, and since W did pass, the cell's value came from at least one operation n that (b) does
// not count. Three cases, each impossible:
//   1. n is x, or follows x on its core. Then x has happened.
//   2. n is after x through a wait W' of n's core. W' passed before n, and thus before W. The pair
//      (x, W') stays. W is the earliest contradiction and W' is earlier, so (x, W') is true in this
//      schedule: x happened before W' passed.
//   3. n is after W. If it follows W on W's core, W has passed before n. Else it is after W through
//      a wait W', which is earlier than W as in case 2: a release that follows W happened before W'
//      passed, W' passed before n, and n before W: W would have passed before itself.          []
// The proof uses only that every remaining pair satisfies the rule. So the order of the strikes
// does not matter, and to strike more than necessary, as long as one goes on until nothing changes,
// loses order but never invents any.
//
// Lemma 1 (bounds). What the cell can hold lies between a lower and an upper bound. A comparison
// fails for all of it if it fails at the bound that favours it: the upper for >=, >, reached; the
// lower for <=, <. For == it fails if either bound excludes the value, for != if both equal it.
// Lemma 2 (adds). The adds of one core arrive in order, so its contribution is the sum of a prefix,
// which contains at least what W's core knew of before W. The upper bound takes the largest such
// sum (of -1, +1, +1 with nothing known: 1), the lower bound the smallest. "Known" means before W,
// not by W. Otherwise an order could prove itself: one core adds 5; a second, which knows of that,
// adds -2; a third, which knows of both, adds 2; W waits for 4. If the -2 were certain because W
// gives it, the cell would hold 3 without the add of 2, so W would be after that add, and so after
// the -2. Yet W may pass at 5, before both.
// Lemma 3 (replacements). A replacement (Set, store) that may still arrive restarts the sum, with
// the adds that are not before it. A replacement that W's core knew of before W erases what came
// before it. "Known" implies "arrived": signals of one core arrive in order, and a signal to a cell
// of the sender's own rank arrives before the sender continues. Where signals may overtake each
// other (switch signals_in_order off), the only negative adds known to have arrived are those of
// W's own core, and the arrived adds need not be a prefix: each positive add counts by itself.
// Lemma 4 (incremental checking). In the middle of a run the final relation lies between two that
// can be computed. In the optimistic relation nothing more happens. In the pessimistic one, each
// core that has operated on a cell and is not past a wait for it has one more operation on the
// cell, which lets the wait pass and is after only what the core knows now and its own releases.
// Proof. The rule is monotone: with fewer operations that may let a wait pass, or with more pairs,
// the cell can hold fewer values, so more pairs stay. A relation all of whose pairs satisfy the
// rule is therefore contained in the greatest fixpoint. The final relation, restricted to the waits
// so far, satisfies the rule when the later operations are left out: the optimistic one contains
// it. The pessimistic relation satisfies the rule with the later operations: each of them is after
// W, as its core is past W, or it is after x, as the operation that was assumed in its place is,
// which is after less. So the final relation contains it.                                     []
// A wait is *final* when both relations agree on it and every later operation on its cell is after
// it. This assumes that only cores which have operated on the cell before do so again. If another
// core does later, without being past the final waits, the run is checked again in one batch.
// Lemma 5 (spin loops). A *look* is one read of a polled word; a loop of looks is a wait whose
// comparison is unknown, but which fails for each value that did not end it. So (b) holds if every
// value that the word can hold is one of these. If, moreover, every value that can have ended the
// loop was given by a store s or by a store after s, then s happened before the wait (`seen`). That
// is knowledge of the word's bytes only, because a pipe's store is not a release of its core; what
// the core of s did before s is ordered by the release at the issue of s, through (b).
// Lemma 6 (forgetting). An operation is *known to all* when every core knows, at its last final
// wait, that it has taken effect. It is then folded into the cell's base value. No wait that is not
// final can miss it: its core knew of the operation before, which is thus in the known part of its
// chain (lemma 2), and so are the earlier ones of the chain, which are folded first. No such wait
// has an order to prove by it either, because (a) holds. What is forgotten after a batch:
//   what                            when
//   waits and other acquires        they are final
//   an operation, into the base     it is known to all (if signals may overtake each other: and the
//                                   wait that shows its arrival is final)
//   `seen` entry of two cores       a later one of them lies at or before every wait that is asked
//                                   for
//   row of KnownReleases            every core knows, at its last final wait, what a later row
//                                   holds, which is 256 rows before the oldest pending access and
//                                   before the last final wait
//   clock of a release              it is below the oldest rows' entries for its core, and before
//                                   the start of each store that is kept
//
// Limits. The relation is complete only for positive adds and comparisons that ask for more.
// Otherwise a bound may be one that no schedule reaches; then order is missing, never invented. A
// branch on what a wait saw changes the program; peal/search then tries many schedules. A loop that
// ends by counting its looks is taken for a wait; peal/search looks for such loops.
//
// Cost. A pass over the waits works, for each wait, on each core and each chain of its cell, with
// binary searches. By lemma 6 a batch does not grow with the run as long as the ranks hear of each
// other within a bounded number of rounds. There is no proven bound on the number of passes; time
// per round was constant within a factor of 2 from 100 to 10,000 rounds in all programs that were
// measured.
class SignalOrder {
 public:
  SignalOrder(std::deque<CoreOrder>& cores, const MemoryRegions& regions, bool signals_in_order)
      : cores_(cores), log_(regions), striking_(log_, known_, signals_in_order) {}

  // Records a release of the core and returns its number, from 1. Call it before the notify,
  // store_word or task_end that it belongs to.
  std::uint32_t release(std::uint32_t core) {
    set_core_count();
    close_look(core);
    releases_.push_back(core);
    return cores_[core].release();
  }
  [[nodiscard]] bool signals_in_order() const { return striking_.signals_in_order(); }
  // Adds a notify or a satisfied wait. `moment` is its position in the run; `acquire` is the wait's
  // number from CoreOrder::acquire(), and `clock` the scalar unit's clock after it.
  void notify(const Event& event, std::uint32_t release, SourceId place, std::uint64_t moment);
  void wait(const Event& event, std::uint32_t acquire, const LaneClock& clock, SourceId place,
            std::uint64_t moment);
  // Scalar code reads a cell as data, not known to be polled, and may branch on the value. The read
  // is assumed to be ordered after every operation on the cell so far; another schedule need not
  // have that order (has_ordering_reads).
  void read_as_data(const Event& event, std::uint32_t acquire);
  // True if such a read added order that the waits do not give.
  [[nodiscard]] bool has_ordering_reads() const { return has_ordering_reads_; }
  // Declares event.address, event.size_bytes as a polled word that holds event.value.
  void add_word(const Event& event) {
    has_words_ = true;
    log_.add_word(event.address, static_cast<std::uint32_t>(event.size_bytes),
                  static_cast<std::uint64_t>(event.value));
  }
  [[nodiscard]] bool has_words() const { return has_words_; }
  [[nodiscard]] bool is_word(std::uint64_t address) const { return log_.is_word(address); }
  // A look at a polled word. It stays open until its core does something else; an identical look
  // that follows directly continues it, and the two are iterations of one loop. `inherited`, if not
  // null, marks the look as a loop in another run and holds the values that did not end it there.
  void look_at_word(const Event& event, std::uint32_t acquire, const LaneClock& clock,
                    SourceId place, std::uint64_t moment,
                    const std::vector<std::uint64_t>* inherited = nullptr);
  // The number, from 1, that the core's next look gets if it starts a new loop.
  [[nodiscard]] std::uint32_t next_look(std::uint32_t core) {
    set_core_count();
    return look_counts_[core] + 1;
  }
  // A loop that has found its final value more than this many times in a row before it ended is
  // taken to count its iterations, and gives no order.
  void allow_repeats(std::uint32_t most) { striking_.allow_repeats(most); }
  // The scalar unit has stored to a polled word, uncached. The store takes effect at once and is a
  // release.
  void store_word(const Event& event, std::uint32_t release, SourceId place, std::uint64_t moment);
  // The word changes in a way that is not followed: looks at it give no order from now on.
  void make_opaque(std::uint64_t address) { log_.cell(log_.cell_id(address)).is_opaque = true; }
  // True if the look is part of a loop, and so a wait rather than an access. Forgets the look.
  [[nodiscard]] bool take_waiting_look(std::uint32_t core, std::uint32_t acquire) {
    return waiting_looks_.erase({core, acquire}) != 0;
  }
  // True if a core that has passed `acquired` waits knows that the store to a polled word has
  // happened: it saw the value itself, or knows a release of a core that saw it before (lemma 5).
  [[nodiscard]] bool has_seen(const Cell& cell, std::uint32_t core, std::uint32_t acquired,
                              const Access& store) const;
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> findable(const SatisfiedWait& look) {
    return striking_.findable(look);
  }
  // True if an operation unordered with the look may give the word a value that does not end the
  // loop, so that the loop may miss the value that would.
  [[nodiscard]] bool may_miss(const SatisfiedWait& look) { return striking_.may_miss(look); }
  // A task ends with this release; a core that waited for a task goes on, by this acquire.
  void task_end(const Event& event, std::uint32_t release);
  void task_after(const Event& event, std::uint32_t acquire);
  // Adds a store of this batch to a cell; it replaces the cell's value.
  void add_store(const CellStore& store);

  [[nodiscard]] const OperationLog& log() const { return log_; }

  // Computes the order. With `all` (end of the run) every wait is final; otherwise only those
  // whose order no future event can change (lemma 4). Returns the final waits in the order of the
  // run; the pointers are valid until forget_final().
  [[nodiscard]] std::vector<const SatisfiedWait*> compute_order(bool all);
  // Drops what only final waits need. `oldest_asked[core]`: accesses not yet judged ask for the
  // core's knowledge after this many waits or more, so that is kept.
  void forget_final(const std::vector<std::uint32_t>& oldest_asked);
  // True if the assumption of lemma 4 was wrong: a core operated on a cell for the first time
  // without being past its final waits. Then only a check in one batch is valid.
  [[nodiscard]] bool has_assumed_wrongly() const { return has_assumed_wrongly_; }
  [[nodiscard]] WaitVerdict judge(const SatisfiedWait& wait) { return striking_.judge(wait); }

  // How many waits of a core are final. An access after more waits than that cannot be judged
  // yet.
  [[nodiscard]] std::uint32_t final_acquires(std::uint32_t core) const {
    return core < final_acquires_.size() ? final_acquires_[core] : 0;
  }
  // The number of the last release of core `of` that `core` knows after `acquired` waits; 0: none.
  [[nodiscard]] std::uint32_t known(std::uint32_t core, std::uint32_t acquired,
                                    std::uint32_t of) const {
    return known_.known(core, acquired, of);
  }
  [[nodiscard]] std::size_t pending() const { return items_.size(); }
  [[nodiscard]] std::size_t pending_operations() const { return log_.size(); }

 private:
  struct Item {  // an acquire: an event that gives its core knowledge, in the order of the run
    enum class Kind : std::uint8_t { wait, after, data_read } kind{};
    std::uint32_t index = 0;  // in waits_, or in heard_
    std::uint32_t core = 0;
    std::uint32_t acquire = 0;
    std::size_t releases_before = 0;  // entries of releases_ that precede it in the run
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
  void find_fixpoint(bool may_come);
  bool update(const Item& item, bool may_come);
  bool lower_to_heard(const Item& item, const Heard& heard);
  void start_anew();
  void assume_arrivals();
  void check_assumptions();
  void note_final_waits();
  struct Optimistic {
    std::vector<std::uint32_t> rows;
    std::vector<std::size_t> open;
  };
  [[nodiscard]] Optimistic without_future();
  void find_final_waits(const Optimistic& optimistic);
  [[nodiscard]] bool is_known_to_all(const Operation& operation) const;
  void forget_items();
  void forget_seen(const std::vector<std::uint32_t>& oldest_asked);
  void forget_operations();
  void drop_rows(const std::vector<std::uint32_t>& oldest_asked);

  std::deque<CoreOrder>& cores_;
  KnownReleases known_;
  OperationLog log_;
  Striking striking_;
  OwnBounds bounds_;
  std::vector<std::uint32_t> final_acquires_;  // by core: how many of its waits are final
  std::vector<SatisfiedWait> waits_;
  std::vector<Heard> heard_;  // what items of kind `after` and `data_read` give
  // By core: the acquire number of its open look (`never` if none), and how many loops of looks it
  // has begun.
  std::vector<std::uint32_t> open_looks_, look_counts_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> waiting_looks_;
  bool has_ordering_reads_ = false, has_words_ = false;
  bool has_assumed_wrongly_ = false;
  std::vector<Item> items_;
  // The order of the run: the core of each release since the first item that is kept, and, by core,
  // how many releases came before that item.
  std::vector<std::uint32_t> releases_;
  std::vector<std::uint32_t> first_counts_;
  std::vector<CellStore> stores_;
  std::map<std::int64_t, Heard> task_ends_;
};

}  // namespace peal
