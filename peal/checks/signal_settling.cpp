// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "peal/checks/signal_order.h"

// How the order between cores is settled in batches, and what is forgotten then.

namespace peal {

bool SignalOrder::is_known_to_all(const SatisfiedWait& wait) const {
  for (std::uint32_t core = 0; core < core_count_; ++core) {
    if (core == wait.core) continue;
    if (known(core, last_acquire(core), wait.core) <= wait.releases_before) return false;
  }
  return true;
}

void SignalOrder::check_assumptions() {
  for (const SatisfiedWait& wait : waits_) {
    for (const auto& [core, release] : wait.assumed) {
      const bool is_needed = std::any_of(wait.needed.begin(), wait.needed.end(),
                                         [&, from = core, number = release](std::uint32_t needed) {
                                           return notifies_[needed].core == from &&
                                                  notifies_[needed].release >= number;
                                         });
      const bool is_known = is_needed || known(wait.core, wait.acquire - 1, core) >= release;
      if (!is_known) has_assumed_wrongly_ = true;
    }
  }
}

void SignalOrder::assume() {
  for (SatisfiedWait& wait : waits_) {
    wait.assumed.clear();
    for (std::uint32_t needed : wait.needed) {
      wait.assumed.emplace_back(notifies_[needed].core, notifies_[needed].release);
    }
  }
}

std::vector<const SatisfiedWait*> SignalOrder::settle(bool all) {
  widen();
  for (const CellStore& store : stores_) cells_[store.cell].only_adds = false;
  find_fixpoint();
  check_assumptions();
  for (std::uint32_t core = 0; core < core_count_; ++core) settled_[core] = last_acquire(core);
  if (!all) {
    for (const SatisfiedWait& wait : waits_) {
      if (wait.acquire > settled_[wait.core] || is_known_to_all(wait)) continue;
      settled_[wait.core] = wait.acquire - 1;
    }
    assume();
  }
  for (const Look& look : looks_) {
    for (const Released& seen : look.seen) {
      const bool is_new =
          seen.core != look.core && known(look.core, look.acquire - 1, seen.core) < seen.release;
      has_ordering_looks_ = has_ordering_looks_ || is_new;
    }
  }
  std::vector<const SatisfiedWait*> result;
  for (const SatisfiedWait& wait : waits_) {
    if (wait.acquire <= settled_[wait.core]) result.push_back(&wait);
  }
  return result;
}

// Whether every core, and every wait that is not settled, is ordered after the notify.
bool SignalOrder::is_settled(const Notify& notify) const {
  if (!cells_[notify.cell].only_adds || notify.acquired > settled_[notify.core]) return false;
  for (std::uint32_t core = 0; core < core_count_; ++core) {
    if (core != notify.core && known(core, settled_[core], notify.core) < notify.release) {
      return false;
    }
  }
  return true;
}

void SignalOrder::forget_settled() {
  std::vector<Notify> kept;
  std::vector<std::uint32_t> numbers(notifies_.size());
  for (Cell& cell : cells_) {
    for (Chain& chain : cell.chains) {
      chain.notifies.clear();
      chain.sums.assign(1, 0);
    }
  }
  for (std::size_t n = 0; n < notifies_.size(); ++n) {
    const Notify& notify = notifies_[n];
    Cell& cell = cells_[notify.cell];
    if (is_settled(notify)) {
      cell.base += static_cast<std::uint32_t>(notify.value);
      continue;
    }
    numbers[n] = static_cast<std::uint32_t>(kept.size());
    Chain& own = chain(cell, notify.core);
    own.notifies.push_back(numbers[n]);
    own.sums.push_back(own.sums.back() + notify.value);
    kept.push_back(notify);
  }
  notifies_ = std::move(kept);
  std::vector<SatisfiedWait> waits;
  std::vector<After> afters;
  std::vector<Look> looks;
  std::vector<Item> items;
  for (const Item& item : items_) {
    if (item.kind == Item::Kind::wait) {
      SatisfiedWait& wait = waits_[item.index];
      if (wait.acquire <= settled_[wait.core]) continue;
      wait.needed.clear();
      items.push_back({item.kind, static_cast<std::uint32_t>(waits.size())});
      waits.push_back(std::move(wait));
    } else if (item.kind == Item::Kind::after) {
      const After& after = afters_[item.index];
      if (after.acquire <= settled_[after.core]) continue;
      items.push_back({item.kind, static_cast<std::uint32_t>(afters.size())});
      afters.push_back(after);
    } else {
      Look& look = looks_[item.index];
      if (look.acquire <= settled_[look.core]) continue;
      items.push_back({item.kind, static_cast<std::uint32_t>(looks.size())});
      looks.push_back(std::move(look));
    }
  }
  waits_ = std::move(waits);
  afters_ = std::move(afters);
  looks_ = std::move(looks);
  items_ = std::move(items);
  drop_rows();
}

// Nobody asks any more for what a core knew long before its settled waits, nor for releases that
// every core knows to be over.
void SignalOrder::drop_rows() {
  constexpr std::uint32_t kept_rows = 1024;
  for (std::uint32_t core = 0; core < core_count_; ++core) {
    if (settled_[core] - first_rows_[core] < 2 * kept_rows) continue;
    const std::uint32_t dropped = settled_[core] - first_rows_[core] - kept_rows;
    rows_[core].erase(rows_[core].begin(),
                      rows_[core].begin() + static_cast<std::ptrdiff_t>(dropped * core_count_));
    first_rows_[core] += dropped;
  }
  for (std::uint32_t of = 0; of < core_count_; ++of) {
    std::uint32_t least = cores_[of].release_count();
    for (std::uint32_t core = 0; core < core_count_; ++core) {
      if (core != of) least = std::min(least, known(core, first_rows_[core], of));
    }
    cores_[of].drop_releases(least);
  }
}

}  // namespace peal
