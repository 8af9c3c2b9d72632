// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/signal_order.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace peal {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

}  // namespace

std::uint32_t SignalOrder::cell_id(std::uint64_t address) {
  const auto [entry, is_new] = ids_.try_emplace(address, static_cast<std::uint32_t>(cells_.size()));
  if (is_new) {
    by_address_[address] = entry->second;
    const MemoryRegions::Region* const region = regions_.find(address);
    Cell& cell = cells_.emplace_back();
    cell.address = address;
    cell.base = region == nullptr ? 0 : region->first_word;
  }
  return entry->second;
}

// The rows of all cores have a place for each core; there are no waits before all cores are known.
void SignalOrder::widen() {
  if (core_count_ == cores_.size()) return;
  core_count_ = cores_.size();
  rows_.assign(core_count_, std::vector<std::uint32_t>(core_count_));
  first_rows_.assign(core_count_, 0);
  settled_.assign(core_count_, 0);
}

SignalOrder::Chain& SignalOrder::chain(Cell& cell, std::uint32_t core) {
  for (Chain& chain : cell.chains) {
    if (chain.core == core) return chain;
  }
  Chain& chain = cell.chains.emplace_back();
  chain.core = core;
  return chain;
}

void SignalOrder::notify(const Event& event, std::uint32_t release, PlaceId place,
                         std::uint64_t moment) {
  widen();
  const auto core = static_cast<std::uint32_t>(event.core);
  const std::uint32_t id = cell_id(event.address);
  Cell& cell = cells_[id];
  if (event.op == NotifyOp::set || event.value < 0) cell.only_adds = false;
  Chain& own = chain(cell, core);
  own.notifies.push_back(static_cast<std::uint32_t>(notifies_.size()));
  own.sums.push_back(own.sums.back() + event.value);
  notifies_.push_back({.core = core,
                       .release = release,
                       .acquired = cores_[core].scalar()[Lane::acquired],
                       .cell = id,
                       .moment = moment,
                       .value = event.value,
                       .op = event.op,
                       .place = place});
}

void SignalOrder::wait(const Event& event, std::uint32_t acquire, const LaneClock& clock,
                       PlaceId place, std::uint64_t moment) {
  widen();
  const auto core = static_cast<std::uint32_t>(event.core);
  const std::uint32_t id = cell_id(event.address);
  items_.push_back({Item::Kind::wait, static_cast<std::uint32_t>(waits_.size())});
  waits_.push_back({.core = core,
                    .acquire = acquire,
                    .releases_before = cores_[core].release_count(),
                    .cell = id,
                    .moment = moment,
                    .threshold = event.threshold,
                    .cmp = event.cmp,
                    .polled = event.polled,
                    .place = place,
                    .clock = clock,
                    .needed = {},
                    .assumed = {}});
  rows_[core].resize(rows_[core].size() + core_count_);
}

void SignalOrder::look(const Event& event, std::uint32_t acquire) {
  widen();
  const auto core = static_cast<std::uint32_t>(event.core);
  Look look{.core = core, .acquire = acquire, .seen = {}};
  Cell& cell = cells_[cell_id(event.address)];
  for (const Chain& chain : cell.chains) {
    if (chain.notifies.empty()) continue;
    const Notify& last = notifies_[chain.notifies.back()];
    look.seen.push_back({last.core, last.release, last.acquired});
  }
  items_.push_back({Item::Kind::look, static_cast<std::uint32_t>(looks_.size())});
  looks_.push_back(std::move(look));
  rows_[core].resize(rows_[core].size() + core_count_);
}

void SignalOrder::task_end(const Event& event, std::uint32_t release) {
  widen();
  const auto core = static_cast<std::uint32_t>(event.core);
  task_ends_[event.value].push_back({core, release, cores_[core].scalar()[Lane::acquired]});
}

void SignalOrder::task_after(const Event& event, std::uint32_t acquire) {
  widen();
  const auto core = static_cast<std::uint32_t>(event.core);
  items_.push_back({Item::Kind::after, static_cast<std::uint32_t>(afters_.size())});
  afters_.push_back({core, acquire, event.value});
  rows_[core].resize(rows_[core].size() + core_count_);
}

bool SignalOrder::is_after(const Notify& notify, const SatisfiedWait& wait) const {
  if (notify.core == wait.core) return notify.acquired >= wait.acquire;
  return known(notify.core, notify.acquired, wait.core) > wait.releases_before;
}

bool SignalOrder::is_after(const Notify& later, const Notify& earlier) const {
  if (later.core == earlier.core) return later.release > earlier.release;
  return known(later.core, later.acquired, earlier.core) >= earlier.release;
}

bool SignalOrder::is_before(const Notify& notify, const SatisfiedWait& wait) const {
  if (notify.core == wait.core) return notify.release <= wait.releases_before;
  return known(wait.core, wait.acquire, notify.core) >= notify.release;
}

bool SignalOrder::is_before(const Notify& notify, const CellStore& store) const {
  const std::uint32_t core = store.access.core;
  if (notify.core == core) {
    return cores_[core].release_clock(notify.release)[Lane::scalar] <= store.clock[Lane::scalar];
  }
  return known(core, store.clock[Lane::acquired], notify.core) >= notify.release;
}

bool SignalOrder::is_before(const CellStore& store, const SatisfiedWait& wait) const {
  const std::uint32_t core = store.access.core;
  const CoreOrder& order = cores_[core];
  if (core == wait.core) return order.has_ended(store.access, wait.clock);
  const std::uint32_t release = known(wait.core, wait.acquire, core);
  return release > 0 && order.has_ended(store.access, order.release_clock(release));
}

// How many of a chain's notifies are not ordered after the wait: the first so many.
std::size_t SignalOrder::not_after(const Chain& chain, const SatisfiedWait& wait) const {
  const auto end =
      std::partition_point(chain.notifies.begin(), chain.notifies.end(),
                           [&](std::uint32_t n) { return !is_after(notifies_[n], wait); });
  return static_cast<std::size_t>(end - chain.notifies.begin());
}

std::size_t SignalOrder::not_after(const Chain& chain, const Notify& notify,
                                   std::size_t limit) const {
  const auto end = std::partition_point(
      chain.notifies.begin(), chain.notifies.begin() + static_cast<std::ptrdiff_t>(limit),
      [&](std::uint32_t n) { return !is_after(notifies_[n], notify); });
  return static_cast<std::size_t>(end - chain.notifies.begin());
}

// What has to come on top of the cell's base for the wait to pass; `never` where the comparison has
// no such bound.
std::int64_t SignalOrder::needs(const SatisfiedWait& wait, std::uint32_t base) const {
  const auto value = static_cast<std::int32_t>(wait.threshold);
  const auto held = static_cast<std::int32_t>(base);
  switch (wait.cmp) {
    case WaitCmp::reached:
      return static_cast<std::int32_t>(wait.threshold - base);
    case WaitCmp::ge:
    case WaitCmp::eq:
      return std::int64_t{value} - held;
    case WaitCmp::gt:
      return std::int64_t{value} - held + 1;
    default:
      return never;
  }
}

bool SignalOrder::add_edge(SatisfiedWait& wait, std::uint32_t notify) {
  for (std::uint32_t& needed : wait.needed) {
    if (notifies_[needed].core != notifies_[notify].core) continue;
    if (notifies_[needed].release >= notifies_[notify].release) return false;
    needed = notify;
    return true;
  }
  wait.needed.push_back(notify);
  return true;
}

bool SignalOrder::add_needed(SatisfiedWait& wait) {
  const Cell& cell = cells_[wait.cell];
  const std::int64_t need = needs(wait, cell.base);
  if (need == never) return false;
  return cell.only_adds ? add_needed_of_adds(wait, cell, need) : add_needed_generally(wait, cell);
}

// Where a cell only grows, a chain's needed notifies are its first ones: an earlier one is needed
// whenever a later one of the same core is, because it takes more others away.
bool SignalOrder::add_needed_of_adds(SatisfiedWait& wait, const Cell& cell, std::int64_t need) {
  if (need <= 0) return false;
  std::vector<std::size_t> counted(cell.chains.size());
  std::int64_t total = 0;
  for (std::size_t c = 0; c < cell.chains.size(); ++c) {
    counted[c] = not_after(cell.chains[c], wait);
    total += cell.chains[c].sums[counted[c]];
  }
  bool changed = false;
  for (std::size_t d = 0; d < cell.chains.size(); ++d) {
    const Chain& own = cell.chains[d];
    std::size_t last = own.notifies.size();  // the last that is needed
    // The first that is not needed, among those before the wait in the run.
    std::size_t low = 0, high = counted[d];
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      const Notify& notify = notifies_[own.notifies[middle]];
      bool is_needed = notify.moment < wait.moment;
      if (is_needed) {
        std::int64_t others = own.sums[middle] - own.sums[counted[d]] + total;
        for (std::size_t c = 0; c < cell.chains.size() && others >= need; ++c) {
          if (c == d) continue;
          const std::size_t left = not_after(cell.chains[c], notify, counted[c]);
          others -= cell.chains[c].sums[counted[c]] - cell.chains[c].sums[left];
        }
        is_needed = others < need;
      }
      if (is_needed) {
        last = middle;
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (last < own.notifies.size()) changed = add_edge(wait, own.notifies[last]) || changed;
  }
  return changed;
}

// The notifies that may count for the wait: not ordered after it, and not erased by a store or Set
// that is ordered before it.
SignalOrder::Counting SignalOrder::counting(const SatisfiedWait& wait, const Cell& cell) const {
  Counting result{.notifies = {}, .base = cell.base};
  std::vector<const CellStore*> stores;
  std::vector<const Notify*> sets;
  std::uint64_t latest = 0;
  for (const CellStore& store : stores_) {
    if (store.cell != wait.cell || !is_before(store, wait)) continue;
    stores.push_back(&store);
    if (store.moment >= latest) result.base = static_cast<std::uint32_t>(store.value);
    latest = std::max(latest, store.moment);
  }
  for (const Chain& chain : cell.chains) {
    for (std::uint32_t n : chain.notifies) {
      const Notify& notify = notifies_[n];
      if (notify.op != NotifyOp::set || !is_before(notify, wait)) continue;
      sets.push_back(&notify);
      if (notify.moment >= latest) result.base = static_cast<std::uint32_t>(notify.value);
      latest = std::max(latest, notify.moment);
    }
  }
  for (const Chain& chain : cell.chains) {
    for (std::size_t i = 0, end = not_after(chain, wait); i < end; ++i) {
      const Notify& notify = notifies_[chain.notifies[i]];
      const bool is_erased =
          std::any_of(stores.begin(), stores.end(),
                      [&](const CellStore* store) { return is_before(notify, *store); }) ||
          std::any_of(sets.begin(), sets.end(),
                      [&](const Notify* set) { return set != &notify && is_after(*set, notify); });
      if (!is_erased) result.notifies.push_back(chain.notifies[i]);
    }
  }
  return result;
}

bool SignalOrder::add_needed_generally(SatisfiedWait& wait, const Cell& cell) {
  const Counting counts = counting(wait, cell);
  bool changed = false;
  for (std::uint32_t candidate : counts.notifies) {
    const Notify& notify = notifies_[candidate];
    if (notify.moment >= wait.moment) continue;
    auto reach = static_cast<std::int64_t>(static_cast<std::int32_t>(counts.base));
    std::int64_t adds = 0;
    // A Set that is ordered before the wait is already the base; without it the cell holds what it
    // did before.
    if (notify.op == NotifyOp::set && is_before(notify, wait)) {
      reach = static_cast<std::int32_t>(cell.base);
    }
    for (std::uint32_t n : counts.notifies) {
      const Notify& other = notifies_[n];
      if (n == candidate || is_after(other, notify)) continue;
      if (other.op == NotifyOp::set) {
        reach = std::max(reach, other.value);
      } else if (other.value > 0 || is_before(other, wait)) {
        adds += other.value;
      }
    }
    const std::int64_t need = needs(wait, 0);  // these cells do not wrap
    if (reach + adds < need) changed = add_edge(wait, candidate) || changed;
  }
  return changed;
}

void SignalOrder::join(std::uint32_t core, std::uint32_t acquire, const Released& released) {
  std::uint32_t* const own = row(core, acquire);
  // The end of a task may be older than the rows that are kept.
  const std::uint32_t* const other =
      row(released.core, std::max(released.acquired, first_rows_[released.core]));
  for (std::size_t i = 0; i < core_count_; ++i) own[i] = std::max(own[i], other[i]);
  own[released.core] = std::max(own[released.core], released.release);
}

std::pair<std::uint32_t, std::uint32_t> SignalOrder::core_and_acquire(const Item& item) const {
  switch (item.kind) {
    case Item::Kind::wait:
      return {waits_[item.index].core, waits_[item.index].acquire};
    case Item::Kind::after:
      return {afters_[item.index].core, afters_[item.index].acquire};
    case Item::Kind::look:
      break;
  }
  return {looks_[item.index].core, looks_[item.index].acquire};
}

// Everything that is ordered before something comes before it in the run.
void SignalOrder::compute_rows() {
  for (const Item& item : items_) {
    const auto [core, acquire] = core_and_acquire(item);
    std::copy_n(row(core, acquire - 1), core_count_, row(core, acquire));
    if (item.kind == Item::Kind::wait) {
      for (std::uint32_t n : waits_[item.index].needed) {
        const Notify& notify = notifies_[n];
        join(core, acquire, {notify.core, notify.release, notify.acquired});
      }
    } else if (item.kind == Item::Kind::after) {
      for (const Released& end : task_ends_[afters_[item.index].task]) join(core, acquire, end);
    } else {
      for (const Released& seen : looks_[item.index].seen) join(core, acquire, seen);
    }
  }
}

void SignalOrder::find_fixpoint() {
  compute_rows();
  for (bool changed = true; changed;) {
    changed = false;
    // From the last to the first: what comes later takes away alternatives of what came before.
    for (auto wait = waits_.rbegin(); wait != waits_.rend(); ++wait) {
      changed = add_needed(*wait) || changed;
    }
    if (changed) compute_rows();
  }
}

std::vector<std::uint32_t> SignalOrder::notifies_on(std::uint32_t cell) const {
  std::vector<std::uint32_t> result;
  for (const Chain& chain : cells_[cell].chains) {
    result.insert(result.end(), chain.notifies.begin(), chain.notifies.end());
  }
  std::sort(result.begin(), result.end());
  return result;
}

bool SignalOrder::holds_from_the_start(const SatisfiedWait& wait) const {
  const Cell& cell = cells_[wait.cell];
  for (const Chain& chain : cell.chains) {
    for (std::uint32_t n : chain.notifies) {
      if (is_before(notifies_[n], wait)) return false;
    }
  }
  return holds(wait.cmp, cell.base, wait.threshold);
}

bool SignalOrder::can_pass(const SatisfiedWait& wait) const {
  const Counting counts = counting(wait, cells_[wait.cell]);
  std::int64_t before = 0, other = 0;  // what is added, ordered before the wait and not
  for (std::uint32_t n : counts.notifies) {
    const Notify& notify = notifies_[n];
    const bool is_before_wait = is_before(notify, wait);
    if (notify.op == NotifyOp::set) {
      if (!is_before_wait && notify.value != static_cast<std::int32_t>(wait.threshold)) return true;
    } else if (is_before_wait) {
      before += notify.value;
    } else if (notify.value > 0) {
      other += notify.value;
    }
  }
  return other > 0 && before + other > needs(wait, counts.base);
}

}  // namespace peal
