// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/order/signal_order.h"

#include <algorithm>
#include <utility>

namespace peal {

// Sizes everything that has an entry per core. All cores are known before the first wait.
void SignalOrder::set_core_count() {
  if (known_.core_count() == cores_.size()) return;
  known_.set_core_count(cores_.size());
  final_acquires_.assign(cores_.size(), 0);
  first_counts_.assign(cores_.size(), 0);
  open_looks_.assign(cores_.size(), Operation::never);
  look_counts_.assign(cores_.size(), 0);
}

// An operation of a scalar unit, which is a release itself: every core that knows the release knows
// that the operation has been performed, and so does its core from its next wait on (acquired + 1).
Operation SignalOrder::operation_of(const Event& event, std::uint32_t release, Operation::Kind kind,
                                    SourceId place, std::uint64_t moment) {
  set_core_count();
  const auto core = static_cast<std::uint32_t>(event.core);
  const std::uint32_t acquired = cores_[core].scalar()[Lane::acquired];
  return {.core = core,
          .cell = log_.cell_id(event.address),
          .number = event.number,
          .acquired = acquired,
          .last_release = release,
          .known_from = release,
          .own_known_from = acquired + 1,
          .moment = moment,
          .value = event.value,
          .kind = kind,
          .place = place};
}

void SignalOrder::notify(const Event& event, std::uint32_t release, SourceId place,
                         std::uint64_t moment) {
  const auto kind = event.op == NotifyOp::set ? Operation::Kind::set : Operation::Kind::add;
  const Operation operation = operation_of(event, release, kind, place, moment);
  log_.add(operation);
  note_own_change(operation);
}

void SignalOrder::note_own_change(const Operation& operation) {
  bounds_.begin(operation.core, operation.cell, log_.cell(operation.cell).initial);
  if (operation.replaces()) {
    bounds_.set(operation.core, operation.cell, operation.value);
  } else {
    bounds_.add(operation.core, operation.cell, operation.value);
  }
}

void SignalOrder::add_store(const CellStore& store) {
  set_core_count();
  log_.add({.core = store.access.core,
            .cell = store.cell,
            .number = store.access.number,
            .acquired = store.clock[Lane::acquired],
            .moment = store.moment,
            .value = store.value,
            .kind = Operation::Kind::store,
            .place = store.access.place,
            .store = static_cast<std::uint32_t>(stores_.size())});
  stores_.push_back(store);
}

void SignalOrder::add_item(Item item) {
  item.releases_before = releases_.size();
  items_.push_back(item);
  known_.add_row(item.core);
}

void SignalOrder::wait(const Event& event, std::uint32_t acquire, const LaneClock& clock,
                       SourceId place, std::uint64_t moment) {
  set_core_count();
  const auto core = static_cast<std::uint32_t>(event.core);
  const std::uint32_t cell = log_.cell_id(event.address);
  bounds_.begin(core, cell, log_.cell(cell).initial);
  const bool holds_by_itself = bounds_.wait(core, cell, event.cmp, event.threshold);
  close_look(core);
  add_item({Item::Kind::wait, static_cast<std::uint32_t>(waits_.size()), core, acquire, 0});
  waits_.push_back({.core = core,
                    .acquire = acquire,
                    .releases_before = cores_[core].release_count(),
                    .cell = cell,
                    .moment = moment,
                    .threshold = event.threshold,
                    .cmp = event.cmp,
                    .polled = event.polled,
                    .holds_by_itself = holds_by_itself,
                    .is_single = event.look == Look::first,
                    .failed = {},
                    .place = place,
                    .clock = clock});
}

void SignalOrder::look_at_word(const Event& event, std::uint32_t acquire, const LaneClock& clock,
                               SourceId place, std::uint64_t moment,
                               const std::vector<std::uint64_t>* inherited) {
  set_core_count();
  const auto core = static_cast<std::uint32_t>(event.core);
  SatisfiedWait look{.core = core,
                     .acquire = acquire,
                     .releases_before = cores_[core].release_count(),
                     .cell = log_.cell_id(event.address),
                     .moment = moment,
                     .polled = true,
                     .is_look = true,
                     .is_single = true,
                     .found = static_cast<std::uint64_t>(event.value),
                     .failed = {},
                     .place = place,
                     .clock = clock};
  const auto last = std::find_if(waits_.rbegin(), waits_.rend(),
                                 [core](const SatisfiedWait& wait) { return wait.core == core; });
  const bool is_continued = event.look == Look::again && last != waits_.rend() &&
                            last->acquire == open_looks_[core] && last->cell == look.cell;
  if (!is_continued) close_look(core);
  bounds_.begin(core, look.cell, log_.cell(look.cell).initial);
  look.least = bounds_.least(core, look.cell);
  if (is_continued) {
    last->loop_continues = true;
    if (last->is_single) waiting_looks_.emplace(core, last->acquire);
    look.is_single = false;
    look.number = last->number;
    look.failed = std::move(last->failed);
    if (last->found == look.found) {
      look.repeats = last->repeats + 1;
    } else {
      look.failed.push_back(last->found);
    }
  } else {
    look.number = ++look_counts_[core];
    if (inherited != nullptr) {
      look.is_single = false;
      look.failed = *inherited;
      waiting_looks_.emplace(core, acquire);
    }
  }
  open_looks_[core] = acquire;
  add_item({Item::Kind::wait, static_cast<std::uint32_t>(waits_.size()), core, acquire, 0});
  waits_.push_back(std::move(look));
}

// The core does something else, so its open look was the last of its loop, and the loop's `failed`
// values are final: the core's own lower bound of the cell can use them.
void SignalOrder::close_look(std::uint32_t core) {
  const std::uint32_t acquire = std::exchange(open_looks_[core], Operation::never);
  if (acquire == Operation::never) return;
  const auto last = std::find_if(waits_.rbegin(), waits_.rend(), [&](const SatisfiedWait& wait) {
    return wait.core == core && wait.acquire == acquire;
  });
  const bool is_loop =
      last != waits_.rend() && last->repeats == 0 && !last->has_failed(last->found);
  if (is_loop) bounds_.look(core, last->cell, last->failed);
}

void SignalOrder::store_word(const Event& event, std::uint32_t release, SourceId place,
                             std::uint64_t moment) {
  log_.add(operation_of(event, release, Operation::Kind::store, place, moment));
}

bool SignalOrder::has_seen(const Cell& cell, std::uint32_t core, std::uint32_t acquired,
                           const Access& store) const {
  return std::any_of(cell.seen.begin(), cell.seen.end(), [&](const Cell::Seen& seen) {
    if (seen.by != store.core || store.number > seen.number) return false;
    return seen.core == core ? acquired >= seen.acquire
                             : known(core, acquired, seen.core) > seen.releases_before;
  });
}

void SignalOrder::hear(Item::Kind kind, std::uint32_t core, std::uint32_t acquire, Heard heard) {
  add_item({kind, static_cast<std::uint32_t>(heard_.size()), core, acquire, 0});
  heard_.push_back(std::move(heard));
}

void SignalOrder::read_as_data(const Event& event, std::uint32_t acquire) {
  set_core_count();
  Heard seen;
  for (const Chain& chain : log_.cell(log_.cell_id(event.address)).chains) {
    if (chain.operations.empty()) continue;
    const Operation& last = log_[chain.operations.back()];
    seen.push_back({last.core, last.last_release, last.acquired});
  }
  hear(Item::Kind::data_read, static_cast<std::uint32_t>(event.core), acquire, std::move(seen));
}

void SignalOrder::task_end(const Event& event, std::uint32_t release) {
  set_core_count();
  const auto core = static_cast<std::uint32_t>(event.core);
  task_ends_[event.value].push_back({core, release, cores_[core].scalar()[Lane::acquired]});
}

void SignalOrder::task_after(const Event& event, std::uint32_t acquire) {
  set_core_count();
  hear(Item::Kind::after, static_cast<std::uint32_t>(event.core), acquire, task_ends_[event.value]);
}

// Positions of the pipes' stores among the releases and waits of their cores, which are known only
// now: how many releases came before the store started (last_release), the first release by which
// it had ended (known_from), and the first wait of its own core by which it had (own_known_from).
void SignalOrder::find_positions_of_stores() {
  if (stores_.empty()) return;
  std::vector<std::vector<const SatisfiedWait*>> waits(known_.core_count());
  for (const SatisfiedWait& wait : waits_) waits[wait.core].push_back(&wait);
  for (Operation& operation : log_.operations()) {
    if (operation.store == Operation::never) continue;
    const CellStore& store = stores_[operation.store];
    const CoreOrder& core = cores_[operation.core];
    operation.last_release = core.releases_before(store.clock);
    operation.known_from = core.first_release_after(store.access);
    const auto& own = waits[operation.core];
    const auto first = std::partition_point(own.begin(), own.end(), [&](const SatisfiedWait* wait) {
      return !core.has_ended(store.access, wait->clock);
    });
    operation.own_known_from = first == own.end() ? Operation::never : (*first)->acquire;
  }
  log_.sort_chains();
}

// The rule for an acquire whose releases are given (`heard`): only pairs stay that its core knew
// before, or that one of the releases is, or is after. Returns true if a pair was struck.
bool SignalOrder::lower_to_heard(const Item& item, const Heard& heard) {
  std::uint32_t* const row = known_.kept_row(item.core, item.acquire);
  const std::uint32_t* const before = known_.row(item.core, item.acquire - 1);
  bool changed = false;
  for (std::uint32_t core = 0; core < known_.core_count(); ++core) {
    if (core == item.core) continue;
    std::uint32_t most = before[core];
    for (const Released& released : heard) {
      const std::uint32_t given = released.core == core
                                      ? released.release
                                      : known_.known(released.core, released.acquired, core);
      most = std::max(most, given);
    }
    if (most >= row[core]) continue;
    row[core] = most;
    changed = true;
  }
  return changed;
}

// Applies the rule to one acquire. A look after which its loop continues gives nothing.
bool SignalOrder::update(const Item& item, bool may_come) {
  if (item.kind == Item::Kind::wait) {
    const SatisfiedWait& wait = waits_[item.index];
    return wait.loop_continues ? lower_to_heard(item, {}) : striking_.strike(wait, may_come);
  }
  return lower_to_heard(item, heard_[item.index]);
}

// The start of the fixpoint: x < W for each release x that came before W in the run.
void SignalOrder::start_anew() {
  for (Cell& cell : log_.cells()) {
    std::erase_if(cell.seen, [&](const Cell::Seen& seen) {
      return seen.acquire > final_acquires_[seen.core];
    });
  }
  std::vector<std::uint32_t> counts = first_counts_;
  std::size_t release = 0;
  for (const Item& item : items_) {
    for (; release < item.releases_before; ++release) ++counts[releases_[release]];
    std::uint32_t* const row = known_.kept_row(item.core, item.acquire);
    std::copy(counts.begin(), counts.end(), row);
    row[item.core] = 0;  // a core's own releases are compared by program order
  }
}

// The start of the fixpoint for arrivals (Striking::show_arrivals): each operation is assumed to be
// shown by the first wait for its cell after it in the run. What a final wait shows is final too.
void SignalOrder::assume_arrivals() {
  for (Cell& cell : log_.cells()) cell.waits.clear();
  for (const SatisfiedWait& wait : waits_) {
    log_.cell(wait.cell).waits.push_back({wait.moment, wait.core, wait.acquire});
  }
  for (Operation& operation : log_.operations()) {
    if (operation.shown_by <= final_acquires_[operation.shown_to]) continue;
    const std::vector<Cell::Wait>& waits = log_.cell(operation.cell).waits;
    const auto first = std::partition_point(
        waits.begin(), waits.end(),
        [&](const Cell::Wait& wait) { return wait.moment < operation.moment; });
    operation.shown_by = first == waits.end() ? Operation::never : first->acquire;
    if (first != waits.end()) operation.shown_to = first->core;
  }
}

// Strikes pairs until nothing changes. Both directions speed this up: forwards, knowledge that a
// core has lost is taken from later waits that got it from there; backwards, an operation that is
// no longer after a wait becomes an alternative for that earlier wait. Rows only decrease; `seen`
// and the arrivals are recomputed with them. The loop ends after a pass over all items that changes
// nothing: then every remaining pair satisfies the rule, which is what the theorem needs.
void SignalOrder::find_fixpoint(bool may_come) {
  start_anew();
  if (!signals_in_order()) assume_arrivals();
  for (bool changed = true; changed;) {
    changed = false;
    for (const Item& item : items_) changed = update(item, may_come) || changed;
    if (!changed) return;
    changed = false;
    for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
      changed = update(*item, may_come) || changed;
    }
  }
}

}  // namespace peal
