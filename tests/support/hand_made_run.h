// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "peal/checks/checker.h"
#include "peal/checks/order/signal_order.h"

namespace peal {

// A run by hand: what its cores do, in the order in which it takes effect. Cells hold `start` at
// first. Notifies and waits have numbers, each from 0.
class HandMadeRun {
 public:
  explicit HandMadeRun(int cores, std::uint32_t start = 0, bool signals_in_order = true)
      : order_(cores_, regions_, signals_in_order), cores_count_(cores) {
    regions_.add({.kind = EventKind::region,
                  .region = RegionKind::signals,
                  .address = first_address,
                  .size_bytes = 64 * cell_bytes,
                  .value = start,
                  .name = "cells"});
    for (int core = 0; core < cores; ++core) cores_.emplace_back(true);
  }

  std::size_t notify(int core, int cell, int value = 1, NotifyOp op = NotifyOp::add) {
    Event event = event_of(EventKind::notify, core, cell);
    event.value = value;
    event.op = op;
    event.number = ++number_;
    const std::uint32_t release = order_.release(static_cast<std::uint32_t>(core));
    order_.notify(event, release, 0, ++moment_);
    notifies_.emplace_back(core, release);
    sent_.push_back({static_cast<std::uint32_t>(core), release, at(core).scalar()[Lane::acquired],
                     cell, op == NotifyOp::set});
    return notifies_.size() - 1;
  }
  std::size_t wait(int core, int cell, std::uint32_t threshold, WaitCmp cmp = WaitCmp::ge) {
    Event event = event_of(EventKind::wait, core, cell);
    event.threshold = threshold;
    event.cmp = cmp;
    const std::uint32_t acquire = at(core).acquire();
    order_.wait(event, acquire, at(core).scalar(), 0, ++moment_);
    waits_.emplace_back(core, acquire);
    return waits_.size() - 1;
  }
  // A word that is polled: scalar stores to it, and looks that find a value, the same as the one
  // before or another one; the last one of them counts as a wait.
  void add_word(int cell) {
    Event event = event_of(EventKind::polled_word, 0, cell);
    order_.add_word(event);
  }
  void look(int core, int cell, std::uint32_t found, bool again, bool ends) {
    Event event = event_of(EventKind::scalar_read, core, cell);
    event.look = again ? Look::again : Look::first;
    event.value = found;
    const std::uint32_t acquire = at(core).acquire();
    order_.look_at_word(event, acquire, at(core).scalar(), 0, ++moment_);
    if (ends) waits_.emplace_back(core, acquire);
  }
  // Of the loops of looks: what each was shown and what else it can find; only of those that can
  // find more, unless all are asked for.
  [[nodiscard]] const std::vector<LookRecord>& looks() const { return looks_; }
  void keep_all_looks() { keeps_all_looks_ = true; }
  // Whether a loop ended with what had not ended it before, or may find anything.
  [[nodiscard]] bool is_undecided() const { return is_undecided_; }
  void store_word(int core, int cell, int value) {
    static_cast<void>(at(core).scalar_access());
    Event event = event_of(EventKind::word_stored, core, cell);
    event.value = value;
    event.number = ++number_;
    const std::uint32_t release = order_.release(static_cast<std::uint32_t>(core));
    order_.store_word(event, release, 0, ++moment_);
    sent_.push_back(
        {static_cast<std::uint32_t>(core), release, at(core).scalar()[Lane::acquired], cell, true});
  }
  void store(int core, int cell, int value) {
    const CoreOrder::Start start = at(core).scalar_access();
    order_.add_store({.access = {.core = static_cast<std::uint32_t>(core),
                                 .sequence = start.sequence,
                                 .number = ++number_,
                                 .lane = Lane::scalar,
                                 .end = Lane::scalar,
                                 .writes = true},
                      .clock = start.clock,
                      .cell = static_cast<std::uint32_t>(id_of(cell)),
                      .moment = ++moment_,
                      .value = value});
  }

  // Works out the order so far; what it says of final waits is kept.
  void compute_order(bool all) {
    for (const SatisfiedWait* wait : order_.compute_order(all)) {
      const auto which = std::find(waits_.begin(), waits_.end(),
                                   std::pair{static_cast<int>(wait->core), wait->acquire});
      if (which == waits_.end()) continue;
      if (wait->is_look) note_look(*wait);
      const auto w = static_cast<std::size_t>(which - waits_.begin());
      const WaitVerdict verdict = order_.judge(*wait);
      if (verdict.is_vacuous) vacuous_.insert(w);
      can_be_missed_ = verdict.missed_by != nullptr;
      if (can_be_missed_) missed_.insert(w);
      std::vector<std::uint32_t>& row = rows_[w];
      for (int core = 0; core < cores_count_; ++core) {
        row.push_back(order_.known(wait->core, wait->acquire, static_cast<std::uint32_t>(core)));
      }
      for (std::size_t n = 0; n < notifies_.size(); ++n) {
        const auto& [core, release] = notifies_[n];
        const std::uint32_t known =
            order_.known(wait->core, wait->acquire, static_cast<std::uint32_t>(core));
        if (core != static_cast<int>(wait->core) && known >= release) ordered_.emplace(n, w);
      }
    }
    const std::vector<std::uint32_t> nothing_asked(static_cast<std::size_t>(cores_count_),
                                                   UINT32_MAX);
    if (!all) order_.forget_final(nothing_asked);
  }

  // Whether the wait is known to come after the notify. Both are of different cores.
  [[nodiscard]] bool is_ordered(std::size_t notify, std::size_t wait) const {
    return ordered_.contains({notify, wait});
  }
  [[nodiscard]] bool is_vacuous(std::size_t wait) const { return vacuous_.contains(wait); }
  [[nodiscard]] const auto& ordered() const { return ordered_; }
  // How many notifies of each core come before the wait for certain.
  [[nodiscard]] const std::vector<std::uint32_t>& row(std::size_t wait) const {
    return rows_.at(wait);
  }
  // Whether a Set and another notify of one cell are in no order; when all is final.
  [[nodiscard]] bool may_lose_a_signal() const {
    const auto is_before = [this](const Sent& a, const Sent& b) {
      return a.core == b.core ? a.release < b.release
                              : order_.known(b.core, b.acquired, a.core) >= a.release;
    };
    return std::any_of(sent_.begin(), sent_.end(), [&](const Sent& a) {
      return a.is_set && std::any_of(sent_.begin(), sent_.end(), [&](const Sent& b) {
               const bool is_itself = a.core == b.core && a.release == b.release;
               if (is_itself || a.cell != b.cell) return false;
               if (a.core == b.core && !order_.signals_in_order()) return true;
               return !is_before(a, b) && !is_before(b, a);
             });
    });
  }
  [[nodiscard]] bool has_assumed_wrongly() const { return order_.has_assumed_wrongly(); }
  // The waits that can wait for ever.
  [[nodiscard]] const std::set<std::size_t>& missed() const { return missed_; }
  [[nodiscard]] const std::set<std::size_t>& vacuous() const { return vacuous_; }
  [[nodiscard]] std::size_t final_count() const { return rows_.size(); }
  // Of the wait that became final last.
  [[nodiscard]] bool can_be_missed() const { return can_be_missed_; }

 private:
  static constexpr std::uint64_t first_address = 0x1000;
  static constexpr std::uint64_t cell_bytes = 64;

  static std::uint64_t address_of(int cell) {
    return first_address + static_cast<std::uint64_t>(cell) * cell_bytes;
  }
  static Event event_of(EventKind kind, int core, int cell) {
    return {.kind = kind,
            .rank = core,
            .core = core,
            .address = address_of(cell),
            .size_bytes = sizeof(std::uint32_t)};
  }
  CoreOrder& at(int core) { return cores_[static_cast<std::size_t>(core)]; }
  std::uint32_t id_of(int cell) const {
    std::uint32_t id = UINT32_MAX;
    order_.log().cells_in(address_of(cell), address_of(cell) + 1,
                          [&id](std::uint32_t found, std::uint64_t) { id = found; });
    return id;
  }

  void note_look(const SatisfiedWait& look) {
    LookRecord record{
        .core = look.core, .number = look.number, .failed = look.failed, .found = look.found};
    const auto values = order_.findable(look);
    is_undecided_ = is_undecided_ || !values;
    if (values) {
      for (std::uint64_t value : *values) {
        if (!record.has_been_shown(value)) record.not_shown.push_back(value);
      }
    }
    record.may_miss = order_.may_miss(look);
    if (keeps_all_looks_ || !record.not_shown.empty() || record.may_miss)
      looks_.push_back(std::move(record));
  }

  struct Sent {
    std::uint32_t core = 0, release = 0, acquired = 0;
    int cell = 0;
    bool is_set = false;
  };

  std::deque<CoreOrder> cores_;
  MemoryRegions regions_;
  SignalOrder order_;
  int cores_count_;
  std::uint64_t moment_ = 0;
  std::vector<std::pair<int, std::uint32_t>> notifies_, waits_;  // core, and number there
  std::vector<Sent> sent_;
  std::set<std::pair<std::size_t, std::size_t>> ordered_;
  std::map<std::size_t, std::vector<std::uint32_t>> rows_;
  std::set<std::size_t> vacuous_, missed_;
  bool can_be_missed_ = false;
  std::uint32_t number_ = 0;
  std::vector<LookRecord> looks_;
  bool keeps_all_looks_ = false, is_undecided_ = false;
};

}  // namespace peal
