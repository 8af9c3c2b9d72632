// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "peal/checks/order/signal_order.h"

// Lemmas 4 and 6: which waits are final, and what can be forgotten then, so that memory stays
// bounded in a long run.

namespace peal {

// The assumption of lemma 4: when a core operates on a cell for the first time, it is past every
// wait for that cell that was final before, because those were final without considering it.
// Checked once for each such operation, when what its core knew before it is final.
void SignalOrder::check_assumptions() {
  for (Operation& operation : log_.operations()) {
    const bool is_final = operation.acquired <= final_acquires_[operation.core];
    if (!is_final || !std::exchange(operation.is_first_of_core, false)) continue;
    for (const Cell::FinalWait& wait : log_.cell(operation.cell).final_waits) {
      if (operation.core != wait.core &&
          known(operation.core, operation.acquired, wait.core) <= wait.releases_before) {
        has_assumed_wrongly_ = true;
      }
    }
  }
}

// Remembers the last final wait of each core for each cell, for check_assumptions().
void SignalOrder::note_final_waits() {
  for (const SatisfiedWait& wait : waits_) {
    if (wait.acquire > final_acquires_[wait.core]) continue;
    std::vector<Cell::FinalWait>& waits = log_.cell(wait.cell).final_waits;
    const auto last = std::find_if(waits.begin(), waits.end(), [&](const Cell::FinalWait& other) {
      return other.core == wait.core;
    });
    if (last == waits.end()) {
      waits.push_back({wait.core, wait.releases_before});
    } else {
      last->releases_before = wait.releases_before;
    }
  }
}

// With `all`, one fixpoint. Otherwise two: the optimistic one, of which a copy is kept, then the
// pessimistic one, which the rows hold from then on; find_final_waits compares them.
std::vector<const SatisfiedWait*> SignalOrder::compute_order(bool all) {
  set_core_count();
  find_positions_of_stores();
  const Optimistic optimistic = all ? Optimistic{} : without_future();
  find_fixpoint(!all);
  for (std::uint32_t core = 0; core < known_.core_count(); ++core) {
    final_acquires_[core] = known_.last(core);
  }
  if (!all) find_final_waits(optimistic);
  check_assumptions();
  for (const Item& item : items_) {
    if (item.kind != Item::Kind::data_read) continue;
    for (const Released& seen : heard_[item.index]) {
      const bool is_new =
          seen.core != item.core && known(item.core, item.acquire - 1, seen.core) < seen.release;
      has_ordering_reads_ = has_ordering_reads_ || is_new;
    }
  }
  std::vector<const SatisfiedWait*> result;
  for (const SatisfiedWait& wait : waits_) {
    if (wait.acquire <= final_acquires_[wait.core]) result.push_back(&wait);
  }
  return result;
}

// The optimistic relation of lemma 4, as if the run ended here: for each item its row and, for a
// wait, how many operations on its cell are not after it.
SignalOrder::Optimistic SignalOrder::without_future() {
  Optimistic result;
  find_fixpoint(false);
  const std::size_t cores = known_.core_count();
  result.rows.reserve(items_.size() * cores);
  for (const Item& item : items_) {
    const std::uint32_t* const row = known_.row(item.core, item.acquire);
    result.rows.insert(result.rows.end(), row, row + cores);
    const bool is_wait = item.kind == Item::Kind::wait;
    result.open.push_back(is_wait ? striking_.count_open(waits_[item.index]) : 0);
  }
  return result;
}

// A wait is final if (1) its row is the same in both relations of lemma 4, (2) every core that
// has operated on its cell is past it now (is_closed), (3) both relations leave the same number of
// operations that are not after it, so that the verdict on it, which considers these operations, is
// final too: with more pairs more operations are after it, so equal numbers mean equal sets, also
// for the relation in between, and (4) it is not a look that may still be continued. The final
// waits of a core are a prefix: the first one that is not final ends it.
void SignalOrder::find_final_waits(const Optimistic& optimistic) {
  const std::size_t cores = known_.core_count();
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    if (item.acquire > final_acquires_[item.core]) continue;
    const std::uint32_t* const row = known_.row(item.core, item.acquire);
    bool is_final = std::equal(row, row + cores, optimistic.rows.data() + i * cores);
    if (is_final && item.kind == Item::Kind::wait) {
      const SatisfiedWait& wait = waits_[item.index];
      is_final = striking_.is_closed(wait) && striking_.count_open(wait) == optimistic.open[i];
    }
    is_final = is_final && item.acquire != open_looks_[item.core];
    if (!is_final) final_acquires_[item.core] = item.acquire - 1;
  }
}

// True if the operation can be folded into the cell's base value, by lemma 6.
bool SignalOrder::is_known_to_all(const Operation& operation) const {
  if (operation.own_known_from > final_acquires_[operation.core] + 1) return false;
  if (!signals_in_order() && operation.shown_by > final_acquires_[operation.shown_to]) return false;
  for (std::uint32_t core = 0; core < known_.core_count(); ++core) {
    if (core != operation.core &&
        known(core, final_acquires_[core], operation.core) < operation.known_from) {
      return false;
    }
  }
  return true;
}

void SignalOrder::forget_final(const std::vector<std::uint32_t>& oldest_asked) {
  note_final_waits();
  forget_seen(oldest_asked);
  forget_operations();
  forget_items();
  drop_rows(oldest_asked);
}

// `seen` entries of one pair of cores grow with the wait: of those at or before every wait that is
// still asked for, the last one is enough.
void SignalOrder::forget_seen(const std::vector<std::uint32_t>& oldest_asked) {
  for (Cell& cell : log_.cells()) {
    for (std::size_t i = 0; i < cell.seen.size();) {
      const Cell::Seen& seen = cell.seen[i];
      const bool has_later =
          std::any_of(cell.seen.begin(), cell.seen.end(), [&](const Cell::Seen& other) {
            return other.core == seen.core && other.by == seen.by && other.acquire > seen.acquire &&
                   other.acquire <= std::min(final_acquires_[other.core], oldest_asked[other.core]);
          });
      if (has_later) {
        cell.seen.erase(cell.seen.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }
}

void SignalOrder::forget_operations() {
  log_.fold_if([this](const Operation& operation) { return is_known_to_all(operation); });
  std::vector<CellStore> stores;
  for (Operation& operation : log_.operations()) {
    if (operation.store == Operation::never) continue;
    stores.push_back(stores_[operation.store]);
    operation.store = static_cast<std::uint32_t>(stores.size() - 1);
  }
  stores_ = std::move(stores);
}

void SignalOrder::forget_items() {
  std::vector<SatisfiedWait> waits;
  std::vector<Heard> heard;
  std::vector<Item> items;
  const auto move = [](auto& from, std::uint32_t index, auto& to) {
    to.push_back(std::move(from[index]));
    return static_cast<std::uint32_t>(to.size() - 1);
  };
  for (Item item : items_) {
    if (item.acquire <= final_acquires_[item.core]) continue;
    item.index = item.kind == Item::Kind::wait ? move(waits_, item.index, waits)
                                               : move(heard_, item.index, heard);
    items.push_back(item);
  }
  waits_ = std::move(waits);
  heard_ = std::move(heard);
  items_ = std::move(items);
  // Releases before the first remaining item are only counted.
  const std::size_t first = items_.empty() ? releases_.size() : items_.front().releases_before;
  for (std::size_t i = 0; i < first; ++i) ++first_counts_[releases_[i]];
  releases_.erase(releases_.begin(), releases_.begin() + static_cast<std::ptrdiff_t>(first));
  for (Item& item : items_) item.releases_before -= first;
}

// Drops rows whose content every core knows by its last final wait (known_to_all), and the clocks
// of releases that no remaining row refers to. Rows from oldest_asked on stay, and the 256
// before, so that the erase is rare and amortised.
void SignalOrder::drop_rows(const std::vector<std::uint32_t>& oldest_asked) {
  constexpr std::uint32_t kept_rows = 256;
  const auto cores = static_cast<std::uint32_t>(known_.core_count());
  std::vector<std::uint32_t> known_to_all(cores);
  for (std::uint32_t of = 0; of < cores; ++of) {
    std::uint32_t least = cores_[of].release_count();
    for (std::uint32_t core = 0; core < cores; ++core) {
      if (core != of) least = std::min(least, known(core, final_acquires_[core], of));
    }
    known_to_all[of] = least;
  }
  for (std::uint32_t core = 0; core < cores; ++core) {
    const std::uint32_t first = known_.first(core);
    const std::uint32_t last = std::min(final_acquires_[core], oldest_asked[core]);
    if (last < first + 2 * kept_rows) continue;
    std::uint32_t kept = first;  // the last row that every core knows, by binary search
    for (std::uint32_t to = last - kept_rows; kept < to;) {
      const std::uint32_t middle = kept + (to - kept + 1) / 2;
      const std::uint32_t* const row = known_.row(core, middle);
      const bool is_known = std::equal(row, row + cores, known_to_all.begin(),
                                       [](std::uint32_t a, std::uint32_t b) { return a <= b; });
      if (is_known) {
        kept = middle;
      } else {
        to = middle - 1;
      }
    }
    known_.drop_before(core, kept);
  }
  // find_positions_of_stores looks up the clocks of releases from here on again.
  std::vector<std::uint32_t> asked(cores, Operation::never);
  for (const Operation& operation : log_.operations()) {
    if (operation.kind != Operation::Kind::store) continue;
    asked[operation.core] = std::min(asked[operation.core], operation.last_release);
  }
  for (std::uint32_t of = 0; of < cores; ++of) {
    std::uint32_t least = std::min(asked[of], cores_[of].release_count());
    for (std::uint32_t core = 0; core < cores; ++core) {
      if (core != of) least = std::min(least, known(core, known_.first(core), of));
    }
    cores_[of].drop_releases(least);
  }
}

}  // namespace peal
