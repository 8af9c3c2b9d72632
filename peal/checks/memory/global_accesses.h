// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "peal/checks/findings.h"
#include "peal/checks/memory/access_history.h"
#include "peal/checks/memory/memory_regions.h"
#include "peal/checks/order/core_order.h"
#include "peal/checks/order/signal_order.h"
#include "peal/checks/order/task_precedence.h"

namespace peal {

// Race detection and its relatives for global memory and signals. This folder holds what the checks
// know of memory. Read this comment first, then access.h, access_history.h (what is kept of each
// byte) and the class below; on_chip_check.h does the same within one core; contributions.h follows
// values instead of order.
//
// An access waits in `pending_` until the order of its core's waits is final (SignalOrder); then
// it is compared, in run order, with the earlier accesses to its bytes. Finds races, lost signals,
// cache lines written back over others' writes, stale scalar reads, and bytes that are read but
// never written, or written but never read.
//
// The scalar cache. It is not coherent. A line of 64 bytes is filled at its first access and
// written back whole, by a dcci and then a dsb. Two things go wrong with it, and both compare a
// write by another core, or by a pipe of the own, with the clock of the fill (Special::line_clock):
//   - Stale read: the write is before the read but not before the fill, so the line may not have
//   it.
//   - Clobber: the write is not before the fill and not after the write-back, so the write-back may
//     put the old bytes over it. judge_line() compares a write-back with the writes before it in
//     the run, check_line_writes() a write with the write-backs before it. Bytes that the core
//     itself stored through its cache are left to the ordinary race check.
class GlobalAccesses {
 public:
  GlobalAccesses(Findings& findings, const MemoryRegions& regions, std::deque<CoreOrder>& cores,
                 SignalOrder& signals)
      : findings_(findings), regions_(regions), cores_(cores), signals_(signals) {}

  struct Special {
    std::uint64_t stored = 0;  // if not 0: rewrites its whole line, of which it stored these bytes
    bool only_line = false;    // is a write-back: the store itself was added before
    bool cached_read = false;  // reads through the scalar cache
    LaneClock line_clock;      // when the line was filled
    std::int64_t value = 0;    // the value stored to a word
    std::uint32_t look = 0;    // of a look at a polled word: its acquire number; else 0
  };

  // For the reports: a release of a core, with its line and its number in program order. Must be
  // called once for each release, in order, as must note_wait for each acquire.
  void note_release(std::uint32_t core, SourceId place, std::uint32_t number);
  // The same for a release that is a store to a polled word.
  void note_word_store(std::uint32_t core, SourceId place, std::uint32_t number) {
    note_release(core, place, number);
    releases_[core].back().is_store = true;
  }
  void note_wait(std::uint32_t core, SourceId place, std::uint32_t number) {
    if (waits_.size() <= core) waits_.resize(core + 1);
    waits_[core].push_back({.place = place, .number = number});
  }
  // A call of the kernel, or a task, begins on a core at this number in program order.
  void note_call(std::uint32_t core, std::int64_t call, std::uint32_t number);
  void note_task(std::uint32_t core, std::string name, std::uint32_t number);
  [[nodiscard]] TaskPrecedence& tasks() { return task_precedence_; }
  // The number in program order of a core's release or wait, both counted from 1.
  [[nodiscard]] std::uint32_t release_number(std::uint32_t core, std::uint32_t release) const {
    return releases_[core][release - 1].number;
  }
  [[nodiscard]] std::uint32_t wait_number(std::uint32_t core, std::uint32_t acquire) const {
    return waits_[core][acquire - 1].number;
  }
  // Sets the call, step and task that an instruction of a core belongs to.
  void add_when(FindingSide& side, std::uint32_t core, std::uint32_t number) const;
  void add_core(int rank) { ranks_.push_back(rank); }

  // Queues an access to [begin, end). `clock` is its core's clock when it starts; `moment` is its
  // position in the run, and accesses of one moment must have the same clock.
  void add(const Access& access, const LaneClock& clock, std::uint64_t begin, std::uint64_t end,
           std::uint64_t moment, const Special* special = nullptr);
  // The host wrote these bytes itself, before every access that reads them.
  void note_host_write(std::uint64_t begin, std::uint64_t end);
  // Passes each pending plain store that covers a signal's cell to the SignalOrder, once.
  void collect_cell_stores();
  // Judges the pending accesses in run order, up to the first whose order is not final.
  void judge();
  // Calls `visit(begin, end, side)` for the last writes of a range in one region. Only complete
  // when nothing is pending.
  template <class Visit>
  void last_writes(std::uint64_t begin, std::uint64_t end, Visit&& visit) const {
    const MemoryRegions::Region* const region = regions_.find(begin);
    if (region == nullptr) return;
    const auto found = histories_.find(region->begin);
    if (found == histories_.end()) return;
    found->second.last_writes(begin, end,
                              [&](const Access& write, std::uint64_t from, std::uint64_t to) {
                                visit(from, to, side(write, "writes it"));
                              });
  }
  // Reports window bytes that are written and never read, at the end of the run, when nothing is
  // pending.
  void find_unread();
  // Reports reads of window bytes that were never written: as findings if the run gave a wrong
  // result, else as advice, because a window is zero-initialised and reading more of it than needed
  // is not a mistake in itself.
  void find_unwritten(bool is_wrong);
  // Reports outputs that are never written, at the end of a run that did not fail.
  void find_unwritten_outputs();

  // By core: the smallest number of passed waits whose knowledge a pending access asks for;
  // UINT32_MAX if there is none.
  [[nodiscard]] std::vector<std::uint32_t> oldest_asked() const;

  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  [[nodiscard]] bool reads_signals() const { return reads_signals_; }
  // Words that scalar code reads while another core may change them, with their sizes in bytes.
  [[nodiscard]] const std::map<std::uint64_t, std::uint32_t>& read_while_changed() const {
    return read_while_changed_;
  }
  // Those reads, by core and the number of the instruction.
  [[nodiscard]] const std::set<std::pair<std::uint32_t, std::uint32_t>>& raced_reads() const {
    return raced_reads_;
  }

 private:
  struct Pending {
    Access access;
    std::uint32_t clock = 0;    // index in clocks_
    std::uint32_t special = 0;  // index in specials_; 0: none
    std::uint64_t begin = 0, end = 0, moment = 0;
    bool collected = false;
  };
  struct LineWrite {
    Access access;
    std::uint64_t stored = 0;  // the bytes that the core itself stored: bytes_in_line()
  };
  struct Release {
    SourceId place = 0;
    std::uint32_t number = 0;
    bool is_store = false;
  };
  struct Written {  // what one line of source has written, and where it first did
    bool is_read = false;
    std::uint64_t bytes = 0;
    int rank = 0, core = 0;
    std::uint64_t begin = 0, end = 0;
  };

  // True if `earlier` happens before `access`, which starts with this clock, and has ended by then.
  [[nodiscard]] bool is_over(const Access& earlier, const Access& access, const LaneClock& clock,
                             std::uint64_t address) const;
  // True if the accesses belong to two tasks of one rank that are unordered: the task graph does
  // not order them, and the later one has not waited for a signal of the earlier task or of a
  // successor.
  [[nodiscard]] bool are_apart(const Access& earlier, const Access& access,
                               const LaneClock& clock) const;
  // True if two notifies of one core to a peer's signal, at least one of them a set, may take
  // effect in either order: between them the core has learned of no new release of the peer's rank.
  [[nodiscard]] bool may_overtake(const Access& earlier, const Access& access,
                                  const LaneClock& clock, std::uint64_t address) const;
  // True if, between the two accesses of one core, it has learned of a new release of the rank
  // that owns the address: a notify that was on its way there has arrived.
  [[nodiscard]] bool has_heard_since(const Access& earlier, const Access& access,
                                     const LaneClock& clock, std::uint64_t address) const;
  // True if a line that the core of `access` fills at `clock` has what `write` wrote.
  [[nodiscard]] bool is_in_line(const Access& write, const Access& access, const LaneClock& clock,
                                std::uint64_t address) const;
  [[nodiscard]] bool is_own_memory(std::uint64_t address, std::uint32_t core) const;
  Written& written(SourceId place) {
    if (written_.size() <= place) written_.resize(place + 1);
    return written_[place];
  }
  AccessHistory& history(std::uint64_t address, int rank);
  void drop_unused_clocks();
  void judge(const Pending& pending);
  void judge_line(const Pending& pending, const Special& special);
  void check_line_writes(const Pending& pending, const LaneClock& clock);
  void conflict(const Access& earlier, const Pending& pending, const LaneClock& clock,
                std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] bool has_seen(const Access& store, const Pending& pending, const LaneClock& clock,
                              std::uint64_t begin, std::uint64_t end) const;
  void note_read_while_changed(const Access& earlier, const Access& access, std::uint64_t begin);
  void clobber(const Access& line, const Access& write, std::uint64_t begin, std::uint64_t end);
  void stale(const Access& earlier, const Access& read, std::uint64_t begin, std::uint64_t end);
  void unwritten(const Pending& pending, std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] FindingSide side(const Access& access, const char* what) const;
  [[nodiscard]] std::string reason(const Access& earlier, const Access& access,
                                   const LaneClock& clock) const;
  [[nodiscard]] std::string reason_on_core(const Access& earlier, const Access& access,
                                           const LaneClock& clock) const;
  [[nodiscard]] int rank_of(std::uint32_t core) const;
  // How many waits of a core precede its instruction `number`.
  [[nodiscard]] std::uint32_t waits_before(std::uint32_t core, std::uint32_t number) const;

  Findings& findings_;
  const MemoryRegions& regions_;
  std::deque<CoreOrder>& cores_;
  SignalOrder& signals_;
  std::deque<Pending> pending_;
  std::vector<LaneClock> clocks_;
  std::vector<Special> specials_{Special{}};
  std::map<std::uint64_t, AccessHistory> histories_;       // by the start of a region
  std::map<int, AccessHistory> private_histories_;         // by rank: its memory outside of regions
  std::map<std::uint64_t, std::vector<LineWrite>> lines_;  // by line: what has rewritten it whole
  std::vector<std::vector<Release>> releases_;             // by core
  std::vector<std::vector<Release>> waits_;
  struct Begin {  // of a call or task
    std::uint32_t number = 0;
    std::int64_t call = 0;
    std::string task;
  };
  TaskPrecedence task_precedence_;
  std::vector<std::vector<Begin>> calls_, tasks_;  // by core, in program order
  std::vector<Written> written_;                   // by the line's SourceId
  std::vector<int> ranks_;
  bool reads_signals_ = false;
  std::map<std::uint64_t, std::uint32_t> read_while_changed_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> raced_reads_;
  std::map<std::uint64_t, std::uint64_t> host_writes_;    // begin -> end; disjoint, not adjacent
  std::vector<std::pair<SourceId, Finding>> suspicions_;  // the first of each line
};

}  // namespace peal
