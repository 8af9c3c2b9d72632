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

// Accesses to global memory and signals, which wait for the order between cores to be known and are
// then compared with those before them: races, signals that may be lost, lines written back over
// others' writes, stale scalar reads, bytes that nobody has written or reads.
class GlobalAccesses {
 public:
  GlobalAccesses(Findings& findings, const MemoryRegions& regions, std::deque<CoreOrder>& cores,
                 SignalOrder& signals)
      : findings_(findings), regions_(regions), cores_(cores), signals_(signals) {}

  struct Special {
    bool line_write = false;  // rewrites the whole cache line
    bool only_line = false;   // and nothing else: a line that is written back
    bool cached_read = false;
    LaneClock line_clock;    // when the line was filled
    std::int64_t value = 0;  // that is stored to a word
    std::uint32_t look = 0;  // at a polled word: its number among the waits of its core
  };

  // A place at which a core releases, for the reports: a notify's line and number.
  void note_release(std::uint32_t core, SourceId place, std::uint32_t number);
  // The same of a store to a polled word.
  void note_word_store(std::uint32_t core, SourceId place, std::uint32_t number) {
    note_release(core, place, number);
    releases_[core].back().is_store = true;
  }
  void note_wait(std::uint32_t core, SourceId place, std::uint32_t number) {
    if (waits_.size() <= core) waits_.resize(core + 1);
    waits_[core].push_back({.place = place, .number = number});
  }
  // A call of the kernel, or a task, begins on a core, with this number of its instructions.
  void note_call(std::uint32_t core, std::int64_t call, std::uint32_t number);
  void note_task(std::uint32_t core, std::string name, std::uint32_t number);
  [[nodiscard]] TaskPrecedence& tasks() { return task_precedence_; }
  // The number of a release or a wait of a core among its instructions.
  [[nodiscard]] std::uint32_t release_number(std::uint32_t core, std::uint32_t release) const {
    return releases_[core][release - 1].number;
  }
  [[nodiscard]] std::uint32_t wait_number(std::uint32_t core, std::uint32_t acquire) const {
    return waits_[core][acquire - 1].number;
  }
  // The call, step and task of an instruction of a core, for a side of a finding.
  void add_when(FindingSide& side, std::uint32_t core, std::uint32_t number) const;
  void add_core(int rank) { ranks_.push_back(rank); }

  void add(const Access& access, const LaneClock& clock, std::uint64_t begin, std::uint64_t end,
           std::uint64_t moment, const Special* special = nullptr);
  // The host has written these bytes itself, ordered with whoever reads them.
  void note_host_write(std::uint64_t begin, std::uint64_t end);
  // Tells the signals which of their cells are stored to by what is pending.
  void collect_cell_stores();
  // Judges what is pending, as far as its order is settled.
  void judge();
  // Calls `visit(begin, end, side)` for the last writes of a range in one region; when all is
  // judged.
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
  // At the end of the run, when all is judged.
  void find_unread();
  // Reports reads of window bytes that were never written: as findings if the run gave a wrong
  // result, else as advice, since a window is zero at first, and to read more of it than matters is
  // no mistake in itself.
  void find_unwritten(bool is_wrong);
  // Reports outputs that are never written, at the end of a run that was not ended by a failure.
  void find_unwritten_outputs();

  // From how many waits of each core on what is pending asks for its knowledge.
  [[nodiscard]] std::vector<std::uint32_t> oldest_asked() const;

  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  [[nodiscard]] bool reads_signals() const { return reads_signals_; }
  // Words that scalar code reads while somebody else changes them; with their sizes.
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
    std::uint32_t clock = 0;    // in clocks_
    std::uint32_t special = 0;  // in specials_, from 1 on
    std::uint64_t begin = 0, end = 0, moment = 0;
    bool collected = false;
  };
  struct LineWrite {
    Access access;
    std::uint64_t begin = 0, end = 0;  // what was really meant
  };
  struct Release {
    SourceId place = 0;
    std::uint32_t number = 0;
    bool is_store = false;
  };
  struct Written {  // by one line; where it first did
    bool is_read = false;
    std::uint64_t bytes = 0;
    int rank = 0, core = 0;
    std::uint64_t begin = 0, end = 0;
  };

  // Whether the earlier access has ended for whoever has this clock when it makes the other one, at
  // this address.
  [[nodiscard]] bool is_over(const Access& earlier, const Access& access, const LaneClock& clock,
                             std::uint64_t address) const;
  // Whether two tasks of a rank, of which the accesses are, are ordered by nothing: neither by the
  // graph nor by a signal that the earlier one, or one after it, has sent.
  [[nodiscard]] bool are_apart(const Access& earlier, const Access& access,
                               const LaneClock& clock) const;
  // Whether a core's second notify of a peer's signal may overtake its first, one of which sets it:
  // the peer has not answered between them.
  [[nodiscard]] bool may_overtake(const Access& earlier, const Access& access,
                                  const LaneClock& clock, std::uint64_t address) const;
  [[nodiscard]] bool is_own_memory(std::uint64_t address, std::uint32_t core) const;
  Written& written(SourceId place) {
    if (written_.size() <= place) written_.resize(place + 1);
    return written_[place];
  }
  AccessHistory& history(std::uint64_t address, int rank);
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
  // How many waits of a core come before its instruction of this number.
  [[nodiscard]] std::uint32_t waits_before(std::uint32_t core, std::uint32_t number) const;

  Findings& findings_;
  const MemoryRegions& regions_;
  std::deque<CoreOrder>& cores_;
  SignalOrder& signals_;
  std::deque<Pending> pending_;
  std::vector<LaneClock> clocks_;
  std::vector<Special> specials_{Special{}};
  std::map<std::uint64_t, AccessHistory> histories_;  // by the start of a region
  std::map<int, AccessHistory> private_histories_;    // of a rank's memory in no region
  std::map<std::uint64_t, std::vector<LineWrite>> lines_;
  std::vector<std::vector<Release>> releases_;  // of each core
  std::vector<std::vector<Release>> waits_;
  struct Begin {  // of a call or task
    std::uint32_t number = 0;
    std::int64_t call = 0;
    std::string task;
  };
  TaskPrecedence task_precedence_;
  std::vector<std::vector<Begin>> calls_, tasks_;  // of each core, in program order
  std::vector<Written> written_;                   // by the line's SourceId
  std::vector<int> ranks_;
  bool reads_signals_ = false;
  std::map<std::uint64_t, std::uint32_t> read_while_changed_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> raced_reads_;
  std::map<std::uint64_t, std::uint64_t> host_writes_;    // begins and ends, with gaps between
  std::vector<std::pair<SourceId, Finding>> suspicions_;  // of each line, the first
};

}  // namespace peal
