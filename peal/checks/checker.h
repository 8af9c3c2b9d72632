// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "peal/checks/findings.h"
#include "peal/checks/memory/contributions.h"
#include "peal/checks/memory/global_accesses.h"
#include "peal/checks/memory/memory_regions.h"
#include "peal/checks/memory/on_chip_check.h"
#include "peal/checks/memory/scalar_lines.h"
#include "peal/checks/order/core_order.h"
#include "peal/checks/order/signal_order.h"
#include "peal/checks/rules/flag_check.h"
#include "peal/checks/rules/synchronisations.h"
#include "peal/run/event.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"

namespace peal {

// A loop of looks (a spin loop on a polled word, see lemma 5 of signal_order.h) in one run: the
// values that it found, and those that it could find in another schedule.
struct LookRecord {
  std::uint32_t core = 0, number = 0;         // the loop's number, from 1, among those of its core
  std::vector<std::uint64_t> failed = {};     // values that did not end it
  std::uint64_t found = 0;                    // the value that ended it
  std::vector<std::uint64_t> not_shown = {};  // values that it could find and did not
  // An operation unordered with the loop may give the word a value that does not end it.
  bool may_miss = false;

  // True if the loop found the value in this run.
  [[nodiscard]] bool has_been_shown(std::uint64_t value) const;
};

// A single look that raced with a write. It may be a loop that ended with its first look.
struct LookInQuestion {
  LookRecord look;
  KernelLine line;
  std::uint32_t size_bytes = 0;
};

// Checks one run: reads its events and finds what is wrong in this or any other schedule of the
// same program. This folder holds all checks: order/ computes happens-before (start at
// signal_order.h), memory/ detects races with it (global_accesses.h), rules/ needs no order between
// cores (event_rules.h). This class dispatches each event to them; search/check.h decides which
// runs.
//
// The order between cores is computed in batches (work_off_batch), because what a wait proves is
// known only when no other operation can satisfy it any more. checker.cpp has the dispatch,
// accesses and batch; checker_signals.cpp notifies and waits; checker_looks.cpp polled words.
class Checker final : public EventReader {
 public:
  // How much of a run is kept before its order is computed: a batch, or everything.
  enum class Memory : bool { bounded, whole };
  // `name_of` gives the names of ranks in the findings' texts.
  explicit Checker(const Platform::Switches& switches, Memory memory = Memory::bounded,
                   const RankNamer& name_of = rank_name);

  void read(const Event& event) override;
  // The host wrote these bytes itself, before every access that reads them.
  void note_host_write(std::uint64_t begin, std::uint64_t end) {
    accesses_.note_host_write(begin, end);
  }
  // Must be called after the last event; then findings() is complete. In a run that is not `right`,
  // reads of unwritten window bytes are findings, not advice. One that `failed` (ended early) need
  // not have written its outputs.
  enum class RunEnd : std::uint8_t { right, wrong, failed };
  void finish(RunEnd end);

  [[nodiscard]] Findings& findings() { return findings_; }
  [[nodiscard]] std::uint64_t events() const { return moment_; }
  // How much the kernels have done, to qualify a clean verdict: instructions of any kind, those of
  // them that address a window, and whether the run has windows.
  [[nodiscard]] std::uint64_t kernel_instructions() const { return kernel_instructions_; }
  [[nodiscard]] std::uint64_t window_accesses() const { return window_accesses_; }
  [[nodiscard]] bool has_windows() const { return has_windows_; }
  // The last writes to a range of global memory, each with its part of the range; after finish().
  struct LastWrite {
    std::uint64_t begin = 0, end = 0;
    FindingSide side;
  };
  [[nodiscard]] std::vector<LastWrite> last_writes(std::uint64_t begin, std::uint64_t end) const;
  // Why the run does not decide for all schedules: the kernel polls, or reads signals as data;
  // empty if it does.
  [[nodiscard]] const std::string& undecided() const { return undecided_; }
  // Words that scalar code reads while another core may change them, and that were not declared as
  // polled. The next run must declare them from its start (RunOptions::looks).
  [[nodiscard]] std::vector<PolledWord> polled_words() const;
  // The loops of looks. If there are too many (knows_all_looks() is false), only the first ones and
  // those that could find values which they did not.
  [[nodiscard]] const std::vector<LookRecord>& looks() const { return looks_; }
  [[nodiscard]] bool knows_all_looks() const { return knows_all_looks_; }
  // Before the run: loops that are known from another run. Here they are treated as loops even if
  // they end with their first look, and values that did not end them there count as failed here.
  void ask_for(const std::vector<LookRecord>& looks);
  // Single looks at polled words that are races, unless they are loops that ended with their first
  // look.
  [[nodiscard]] std::vector<LookInQuestion> looks_in_question() const;
  // The lines of loops that ended, or did not end, by something else than the value, compared with
  // the runs that ask_for() has named.
  [[nodiscard]] const std::set<SourceId>& contradicted() const { return contradicted_; }
  // See SignalOrder::allow_repeats.
  void allow_repeats(std::uint32_t most) { signals_.allow_repeats(most); }
  // Before the run: computes program().
  void follow_program() { follows_program_ = true; }
  // A hash of the multiset of events of the kernels, without looks, barriers and cache cleaning,
  // which depend on how often a loop iterates. Runs with equal hashes are taken to have followed
  // the same branches.
  [[nodiscard]] std::uint64_t program() const { return program_; }
  // The lines of looks and polls that are loops.
  [[nodiscard]] const std::set<SourceId>& loops() const { return loops_; }
  // The last kept operation on the word; nullopt if there is none.
  [[nodiscard]] std::optional<FindingSide> last_change(std::uint64_t word) const;
  // True if the findings are not valid and the run must be checked again with Memory::whole.
  [[nodiscard]] bool needs_whole() const { return signals_.has_assumed_wrongly(); }
  // True if the batch has grown unusually large, because ranks do not synchronise with each other.
  [[nodiscard]] bool has_grown() const { return has_grown_; }
  // The maximum number of accesses, waits and notifies that were kept with their order open.
  [[nodiscard]] std::size_t max_kept() const { return max_kept_; }
  // For each rank and line that notified the cell, the first notify, and how often it did.
  struct Notifier {
    FindingSide side;
    std::uint64_t times = 0;
  };
  [[nodiscard]] std::vector<Notifier> notifiers(std::uint64_t cell) const;
  // Each line that notified this signal on any rank, and the ranks that executed the line.
  struct Unreached {
    FindingLine line;
    std::set<int> ranks;
  };
  [[nodiscard]] std::vector<Unreached> unreached_notifies(std::uint64_t cell) const;
  // Who has notified the same offset of another rank's window: one for each line.
  [[nodiscard]] std::vector<FindingSide> notifiers_elsewhere(std::uint64_t cell) const;
  [[nodiscard]] std::vector<SyncUnit> synchronisations() const {
    return synchronisations_.units(findings_.places());
  }

 private:
  struct LastStore {
    SourceId place = 0;
    std::uint64_t begin = 0, end = 0;
  };
  struct WaitLine {  // the waits of one line of source
    std::uint64_t total = 0, vacuous = 0, redundant = 0;
    Finding first;  // about the first vacuous wait; without any, about the first wait
  };
  struct CoreState {
    int rank = 0;
    std::map<Pipe, LastStore> last_stores;
    ScalarLines lines;
    std::uint32_t task_end = 0;    // number in program order of the last task_end
    bool is_ending = false;        // since a task_end, until the barrier of all pipes that follows
    bool has_failed_poll = false;  // the last poll failed; the loop may continue
    // The last store of each pipe, and the last store to each word through the scalar cache: a
    // word_stored event refers to them.
    struct Store {
      Access access;
      LaneClock clock;
    };
    std::map<Pipe, Store> stores;
    std::map<std::uint64_t, Store> cached_stores;
    // The last wait of this task, if the core has executed nothing since (see note_successor).
    struct LastWait {
      std::uint64_t cell = 0;
      std::uint32_t number = 0, acquire = 0, threshold = 0;  // number 0: none
      WaitCmp cmp{};
      bool is_judged = false;
      WaitLine* vacuous = nullptr;  // if it was judged as vacuous; not owned
    };
    LastWait last_wait;
  };

  void add_region(const Event& event);
  void count(const Event& event);
  [[nodiscard]] bool is_kernel_place();
  void instruction(const Event& event, CoreOrder& order);
  void check_bounds(const Event& event, std::uint64_t begin, std::uint64_t end);
  void scalar_access(const Event& event, CoreOrder& order);
  void read_signal_as_data(const Event& event, CoreOrder& order);
  [[nodiscard]] std::uint8_t look_bytes(const Event& event) const;
  void look_at_word(const Event& event, CoreOrder& order);
  void announce_store(const Event& event);
  void store_word(const Event& event);
  void note_poll(const Event& event);
  void end_poll(std::size_t core);
  void judge_look(const SatisfiedWait& look);
  void note_program(const Event& event);
  void judge_poll(const SatisfiedWait& poll);
  void cached_access(const Event& event, const CoreOrder::Start& start, CoreOrder& order,
                     std::uint32_t look);
  void clean_lines(const Event& event, CoreOrder& order);
  void refresh_line(const Event& event, CoreOrder& order);
  void write_back(const Event& event, CoreOrder& order, const ScalarLines::value_type& line);
  void notify(const Event& event, CoreOrder& order);
  void wait(const Event& event, CoreOrder& order);
  void end_task(const Event& event, CoreOrder& order);
  void check_drained(const Event& event, const CoreOrder& order);
  // Of two waits of a core on one signal, one at once after the other, that for less is not
  // vacuous: if it comes first, it is part of the second, and nothing relies on it; if it comes
  // second, all that it could add has been waited for by the first.
  void note_successor(const Event& event, std::uint32_t acquire);
  void report_undrained(const Event& event, Pipe pipe, const LastStore& store, bool is_drained);
  void check_flushed(const Event& event);
  void end_flags(const Event& event);
  void work_off_batch(bool all);
  void judge_wait(const SatisfiedWait& wait);
  void find_unwaited();
  [[nodiscard]] FindingSide side(const Operation& operation) const;
  [[nodiscard]] FindingSide side(const SatisfiedWait& wait) const;
  [[nodiscard]] std::string cell_name(std::uint64_t address) const;

  Findings findings_;
  MemoryRegions regions_;
  std::deque<CoreOrder> cores_;
  int last_core_ = -1;  // the core of the last event, and its order
  CoreOrder* last_order_ = nullptr;
  std::vector<CoreState> states_;
  std::vector<int> cores_of_rank_;  // by rank: its number of cores
  SignalOrder signals_;
  GlobalAccesses accesses_;
  OnChipCheck on_chip_;
  FlagCheck flags_;
  Contributions contributions_;
  Platform::Switches switches_;
  std::uint64_t moment_ = 0;  // events so far: the position in the run
  std::uint64_t kernel_instructions_ = 0, window_accesses_ = 0;
  bool has_windows_ = false;
  std::vector<bool> kernel_places_;  // by SourceId: true if the line belongs to a kernel
  SourceId place_ = 0;               // of the current event
  std::size_t batch_;
  bool has_grown_ = false;
  std::size_t max_kept_ = 0;
  std::string undecided_;
  std::map<SourceId, WaitLine> wait_lines_;
  // Waits that another for more follows at once, or for as much precedes, and that are not judged
  // yet: (core, number of the wait).
  std::set<std::pair<std::uint32_t, std::uint32_t>> followed_, repeated_;
  std::map<std::pair<SourceId, std::uint64_t>, FindingSide> notified_;  // first of (line, cell)
  // By (cell, rank, line): the number of notifies.
  std::map<std::tuple<std::uint64_t, int, SourceId>, std::uint64_t> notify_counts_;
  std::set<std::uint64_t> looked_at_;     // cells that are waited for, polled or read
  std::set<std::uint64_t> polled_;        // cells that are polled and not declared as polled words
  std::set<std::uint64_t> signals_read_;  // cells that are read as data and not declared so
  struct SingleLook {
    std::uint32_t number = 0, size_bytes = 0;
    SourceId place = 0;
    std::uint64_t found = 0;
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, SingleLook> single_looks_;  // by instruction
  std::vector<LookRecord> looks_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, LookRecord> asked_;  // by core and number
  bool knows_all_looks_ = true;
  std::set<SourceId> contradicted_;
  bool follows_program_ = false;
  std::uint64_t program_ = 0;
  std::set<SourceId> loops_;
  Synchronisations synchronisations_;
};

}  // namespace peal
