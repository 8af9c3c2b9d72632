// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "peal/checks/checker.h"

// Looks at polled words, polls of signals, and stores to polled words.

namespace peal {
namespace {

// The maximum number of single looks that are kept, in case they turn out to be loops.
constexpr std::size_t max_single_looks = 100000;

}  // namespace

void Checker::look_at_word(const Event& event, CoreOrder& order) {
  const auto core = static_cast<std::size_t>(event.core);
  end_poll(core);
  looked_at_.insert(event.address);
  const std::uint32_t acquire = order.acquire();
  const auto number = signals_.next_look(static_cast<std::uint32_t>(event.core));
  const auto asked = asked_.find({static_cast<std::uint32_t>(event.core), number});
  signals_.look_at_word(event, acquire, order.scalar(), place_, moment_,
                        asked == asked_.end() ? nullptr : &asked->second.failed);
  accesses_.note_wait(static_cast<std::uint32_t>(event.core), place_, event.number);
  if (event.look == Look::again || asked != asked_.end()) {
    loops_.insert(place_);
  } else if (single_looks_.size() < max_single_looks) {
    single_looks_[{static_cast<std::uint32_t>(event.core), event.number}] = {
        .number = number,
        .size_bytes = static_cast<std::uint32_t>(event.size_bytes),
        .place = place_,
        .found = static_cast<std::uint64_t>(event.value)};
  }
}

std::vector<LookInQuestion> Checker::looks_in_question() const {
  std::vector<LookInQuestion> result;
  for (const auto& instruction : accesses_.raced_reads()) {
    const auto found = single_looks_.find(instruction);
    if (found == single_looks_.end()) continue;
    const SingleLook& look = found->second;
    const FindingLine& line = findings_.places().line(look.place);
    result.push_back(
        {.look = {.core = instruction.first, .number = look.number, .found = look.found},
         .line = {line.file, line.line},
         .size_bytes = look.size_bytes});
  }
  return result;
}

// The issue of a store to a polled word is a release: a core that sees the value knows what the
// storing core did before.
void Checker::announce_store(const Event& event) {
  const auto core = static_cast<std::uint32_t>(event.core);
  signals_.release(core);
  accesses_.note_word_store(core, place_, event.number);
}

void Checker::store_word(const Event& event) {
  if (!signals_.is_word(event.address)) return;  // only in an event file that no run has written
  if (event.atomic) return signals_.make_opaque(event.address);
  const auto core = static_cast<std::uint32_t>(event.core);
  if (event.pipe == Pipe::scalar && !event.cached) {
    const std::uint32_t release = signals_.release(core);
    accesses_.note_word_store(core, place_, event.number);
    return signals_.store_word(event, release, place_, moment_);
  }
  CoreState& state = states_[core];
  const CoreState::Store* store = nullptr;
  if (event.cached) {
    const auto found = state.cached_stores.find(event.address);
    if (found != state.cached_stores.end()) store = &found->second;
  } else {
    const auto found = state.stores.find(event.pipe);
    if (found != state.stores.end()) store = &found->second;
  }
  if (store == nullptr || store->access.number != event.number) return;
  signals_.add_store({.access = store->access,
                      .clock = store->clock,
                      .cell = signals_.log().id_of(event.address),
                      .moment = moment_,
                      .value = event.value});
}

// A poll of a signal (TTEST). Polls that repeat until one succeeds are a wait. A kernel that goes
// on after a failed poll may depend on the schedule (end_poll), and so may one whose first poll
// succeeds, unless it would in every schedule (judge_poll).
void Checker::note_poll(const Event& event) {
  const auto core = static_cast<std::size_t>(event.core);
  looked_at_.insert(event.address);
  CoreState& state = states_[core];
  if (!event.polled) return end_poll(core);
  if (event.look == Look::none) {
    polled_.insert(event.address);
    undecided_ = "the kernel polls";
    return;
  }
  if (event.look == Look::first) {
    end_poll(core);
  } else {
    loops_.insert(place_);
  }
  state.has_failed_poll = event.kind == EventKind::poll_failed;
}

void Checker::end_poll(std::size_t core) {
  if (std::exchange(states_[core].has_failed_poll, false)) undecided_ = "the kernel polls";
}

void Checker::judge_poll(const SatisfiedWait& poll) {
  if (!poll.is_single) return;
  const auto values = signals_.findable(poll);
  const bool succeeds =
      values && std::all_of(values->begin(), values->end(), [&](std::uint64_t value) {
        return holds(poll.cmp, static_cast<std::uint32_t>(value), poll.threshold);
      });
  if (!succeeds) undecided_ = "the kernel polls";
}

bool LookRecord::has_been_shown(std::uint64_t value) const {
  return value == found || std::find(failed.begin(), failed.end(), value) != failed.end();
}

// Records a loop of looks. The order that it gives is valid in every schedule once it has been
// shown every value that it can find, provided that it ends by the value alone; search/check.cpp
// runs the kernel again to establish both. A loop contradicts an earlier run (asked_) if a value
// failed here that ended it there, if it ended with a value that had failed, or if it found its
// final value several times in a row.
void Checker::judge_look(const SatisfiedWait& look) {
  constexpr std::size_t max_looks = 20000;
  if (look.loop_continues || look.is_single) return;
  LookRecord record{
      .core = look.core, .number = look.number, .failed = look.failed, .found = look.found};
  const auto asked = asked_.find({look.core, look.number});
  if (asked != asked_.end() &&
      (look.repeats != 0 || look.has_failed(asked->second.found) || look.has_failed(look.found))) {
    contradicted_.insert(look.place);
  }
  const auto values = signals_.findable(look);
  if (!values) {
    undecided_ = "the kernel looks at a word that is changed in ways that are not followed";
    return;
  }
  for (std::uint64_t value : *values) {
    if (!record.has_been_shown(value)) record.not_shown.push_back(value);
  }
  record.may_miss = signals_.may_miss(look);
  if (looks_.size() >= max_looks && record.not_shown.empty() && !record.may_miss) {
    knows_all_looks_ = false;
    return;
  }
  looks_.push_back(std::move(record));
}

std::vector<PolledWord> Checker::polled_words() const {
  std::vector<PolledWord> result;
  for (const auto& [address, size] : accesses_.read_while_changed()) {
    if (!signals_.is_word(address)) result.push_back({address, size});
  }
  const auto add = [&](std::uint64_t cell) {
    if (!signals_.is_word(cell)) result.push_back({cell, sizeof(std::uint32_t)});
  };
  for (std::uint64_t cell : polled_) add(cell);
  if (accesses_.reads_signals() || signals_.has_ordering_reads()) {
    for (std::uint64_t cell : signals_read_) add(cell);
  }
  return result;
}

void Checker::ask_for(const std::vector<LookRecord>& looks) {
  for (const LookRecord& look : looks) asked_.try_emplace({look.core, look.number}, look);
}

// Adds the event to the hash of the program. The sum makes it independent of the interleaving.
void Checker::note_program(const Event& event) {
  if (event.look != Look::none || event.kind == EventKind::dcci || event.kind == EventKind::dsb ||
      event.kind == EventKind::pipe_barrier) {
    return;
  }
  std::uint64_t hash = std::hash<std::string_view>()(event.place.file);
  for (std::uint64_t part :
       {std::uint64_t{event.place.line}, static_cast<std::uint64_t>(event.kind),
        static_cast<std::uint64_t>(event.core), event.address}) {
    hash = (hash ^ part) * 0x9E3779B97F4A7C15;
    hash ^= hash >> 29;
  }
  program_ += hash;
}

std::optional<FindingSide> Checker::last_change(std::uint64_t word) const {
  const Operation* last = nullptr;
  for (const Operation& operation : signals_.log().operations()) {
    const bool is_later = last == nullptr || operation.moment > last->moment;
    if (is_later && signals_.log().cell(operation.cell).address == word) last = &operation;
  }
  if (last == nullptr) return std::nullopt;
  return side(*last);
}

}  // namespace peal
