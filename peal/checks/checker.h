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

// A wait that is a loop of looks at a polled word: what was shown to it, and what else it could
// find.
struct LookRecord {
  std::uint32_t core = 0, number = 0;  // among the looks of its core
  std::vector<std::uint64_t> failed = {};
  std::uint64_t found = 0;
  std::vector<std::uint64_t> not_shown = {};
  // A store in no order with it gives the word a value that does not end it.
  bool may_miss = false;

  [[nodiscard]] bool has_been_shown(std::uint64_t value) const;
};

// A single look that may be such a loop.
struct LookInQuestion {
  LookRecord look;
  KernelLine line;
  std::uint32_t size_bytes = 0;
};

// Reads the events of one run and finds what is wrong with it in any run. Order between cores is
// worked out in batches, because what a wait needs is only known when nobody can notify it any
// more.
class Checker final : public EventReader {
 public:
  // How much of a run is kept before its order is worked out: a batch, or everything.
  enum class Memory : bool { bounded, whole };
  explicit Checker(const Platform::Switches& switches, Memory memory = Memory::bounded);

  void read(const Event& event) override;
  // The host has written these bytes itself, ordered with whoever reads them.
  void note_host_write(std::uint64_t begin, std::uint64_t end) {
    accesses_.note_host_write(begin, end);
  }
  // After the last event; then findings() is complete. A run that is not right makes suspicions
  // findings; one that has failed need not have written its outputs.
  enum class RunEnd : std::uint8_t { right, wrong, failed };
  void finish(RunEnd end);

  [[nodiscard]] Findings& findings() { return findings_; }
  [[nodiscard]] std::uint64_t events() const { return moment_; }
  // What kernels have done, which a verdict of nothing is worth nothing without: instructions of
  // any kind, those of them that meant a window, and whether there are windows.
  [[nodiscard]] std::uint64_t kernel_instructions() const { return kernel_instructions_; }
  [[nodiscard]] std::uint64_t window_accesses() const { return window_accesses_; }
  [[nodiscard]] bool has_windows() const { return has_windows_; }
  // The last writes of a range of global memory, with their parts of it; after finish().
  struct LastWrite {
    std::uint64_t begin = 0, end = 0;
    FindingSide side;
  };
  [[nodiscard]] std::vector<LastWrite> last_writes(std::uint64_t begin, std::uint64_t end) const;
  // Why one run does not decide: the kernel polls, or looks at signals as data; empty if it does.
  [[nodiscard]] const std::string& undecided() const { return undecided_; }
  // Words that scalar code looks at while others change them, of which a run has to know before it
  // begins (RunOptions::looks).
  [[nodiscard]] std::vector<PolledWord> polled_words() const;
  // The loops of looks: all, or the first ones and those that may find more than they have found.
  [[nodiscard]] const std::vector<LookRecord>& looks() const { return looks_; }
  [[nodiscard]] bool knows_all_looks() const { return knows_all_looks_; }
  // Asks for loops that are known from another run, in which they may have found what they look for
  // at once. What has not ended them there does not here.
  void ask_for(const std::vector<LookRecord>& looks);
  // Looks at known words that are races unless they are loops that have ended with their first
  // look.
  [[nodiscard]] std::vector<LookInQuestion> looks_in_question() const;
  // The lines of loops of which another run has shown that they are not what they seem.
  [[nodiscard]] const std::set<SourceId>& contradicted() const { return contradicted_; }
  void allow_repeats(std::uint32_t most) { signals_.allow_repeats(most); }
  // From the first event on.
  void follow_program() { follows_program_ = true; }
  // A hash of what the kernels have done, but for looks and what may stand between them.
  [[nodiscard]] std::uint64_t program() const { return program_; }
  // The lines of looks that are waits.
  [[nodiscard]] const std::set<SourceId>& loops() const { return loops_; }
  // Who has changed the word last, as far as that is kept.
  [[nodiscard]] std::optional<FindingSide> last_change(std::uint64_t word) const;
  // Whether the findings hold only if the run is checked again with Memory::whole.
  [[nodiscard]] bool needs_whole() const { return signals_.has_assumed_wrongly(); }
  // Whether ranks that do not hear of each other have made the checks keep more and more.
  [[nodiscard]] bool has_grown() const { return has_grown_; }
  // The most accesses, waits and notifies whose order was still to be worked out.
  [[nodiscard]] std::size_t max_kept() const { return max_kept_; }
  // Who has notified a cell, how often, at each line.
  [[nodiscard]] std::vector<FindingSide> notifiers(std::uint64_t cell) const;
  // Each line that has notified this signal, of whatever rank, and the ranks that have come there.
  struct Unreached {
    FindingLine line;
    std::set<int> ranks;
  };
  [[nodiscard]] std::vector<Unreached> unreached_notifies(std::uint64_t cell) const;
  // Who has notified the same place of another rank's window, the first of each line.
  [[nodiscard]] std::vector<FindingSide> notifiers_elsewhere(std::uint64_t cell) const;
  [[nodiscard]] std::vector<SyncUnit> synchronisations() const {
    return synchronisations_.units(findings_.places());
  }

 private:
  struct LastStore {
    SourceId place = 0;
    std::uint64_t begin = 0, end = 0;
  };
  struct CoreState {
    int rank = 0;
    std::map<Pipe, LastStore> last_stores;
    ScalarLines lines;
    std::uint32_t task_end = 0;    // of the last one, in program order
    bool is_ending = false;        // and its instructions are not all executed
    bool has_failed_poll = false;  // the last poll has failed, and may be gone on with
    // The last stores of each pipe and, through the cache, of each word: for what they give words.
    struct Store {
      Access access;
      LaneClock clock;
    };
    std::map<Pipe, Store> stores;
    std::map<std::uint64_t, Store> cached_stores;
  };
  struct WaitLine {  // what was seen of the waits of one line
    std::uint64_t total = 0, vacuous = 0, redundant = 0;
    Finding first;  // of those that are vacuous, or of all
  };

  void add_region(const Event& event);
  void count(const Event& event);
  [[nodiscard]] bool is_kernel_place();
  void instruction(const Event& event, CoreOrder& order);
  void check_bounds(const Event& event, std::uint64_t begin, std::uint64_t end);
  void scalar_access(const Event& event, CoreOrder& order);
  void look_at_signal(const Event& event, CoreOrder& order);
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
  void report_undrained(const Event& event, Pipe pipe, const LastStore& store);
  void check_flushed(const Event& event);
  void end_flags(const Event& event);
  void settle(bool all);
  void judge_wait(const SatisfiedWait& wait);
  void find_unwaited();
  [[nodiscard]] FindingSide side(const Operation& operation) const;
  [[nodiscard]] FindingSide side(const SatisfiedWait& wait) const;
  [[nodiscard]] std::string cell_name(std::uint64_t address) const;

  Findings findings_;
  MemoryRegions regions_;
  std::deque<CoreOrder> cores_;
  int last_core_ = -1;  // of the last event
  CoreOrder* last_order_ = nullptr;
  std::vector<CoreState> states_;
  std::vector<int> cores_of_rank_;  // how many
  SignalOrder signals_;
  GlobalAccesses accesses_;
  OnChipCheck on_chip_;
  FlagCheck flags_;
  Contributions contributions_;
  Platform::Switches switches_;
  std::uint64_t moment_ = 0;  // events so far
  std::uint64_t kernel_instructions_ = 0, window_accesses_ = 0;
  bool has_windows_ = false;
  std::vector<bool> kernel_places_;  // by SourceId: whether the line is a kernel's
  SourceId place_ = 0;               // of the event that is being read
  std::size_t batch_;
  bool has_grown_ = false;
  std::size_t max_kept_ = 0;
  std::string undecided_;
  std::map<SourceId, WaitLine> wait_lines_;
  std::map<std::pair<SourceId, std::uint64_t>, FindingSide> notified_;  // first of (line, cell)
  // How often each line of each rank has notified each cell.
  std::map<std::tuple<std::uint64_t, int, SourceId>, std::uint64_t> notify_counts_;
  std::set<std::uint64_t> looked_at_;     // cells
  std::set<std::uint64_t> polled_;        // cells that are polled without being known as such
  std::set<std::uint64_t> signal_looks_;  // likewise those that are read as data
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
