// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "peal/checks/order/striking.h"

// Looks at polled words: what they can find, and what follows from what they have found.

namespace peal {
namespace {

// More than so many values of a word are not told apart, and then a look gives no order.
constexpr std::size_t max_values = 4096;

void keep_different(std::vector<std::uint64_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

std::uint64_t Striking::bits_of(const Operation& operation) const {
  return word_of(static_cast<std::uint64_t>(operation.value), cell_->size_bytes);
}

// Whether no replacement of a chain of nothing else need come after the start.
bool Striking::may_be_last(std::size_t w, const Start& start) const {
  const auto [first, certain] = begin_in_order(w, start);
  const std::uint32_t limit = std::max(first, limits_[w]);
  return std::max(first, windows_[w].known) <= std::min(certain, limit);
}

// What a chain can add after the start, as in best(): every sum of a run of its adds.
std::optional<std::vector<std::uint64_t>> Striking::sums(std::size_t w, const Start& start) const {
  const Window& window = windows_[w];
  const std::uint32_t limit = limits_[w];
  const auto [first, certain] = begin_in_order(w, start);
  std::vector<std::uint64_t> result, open;
  for (std::uint32_t index = first;; ++index) {
    if (index <= certain) open.push_back(0);
    keep_different(open);
    if (index >= window.known) result.insert(result.end(), open.begin(), open.end());
    keep_different(result);
    if (open.size() > max_values || result.size() > max_values) return std::nullopt;
    if (index >= limit) return result;
    const Operation& operation = at(window, index);
    if (operation.replaces()) {
      open.clear();
    } else if (!signals_in_order_) {
      return std::nullopt;  // any of them may be late
    }
    for (std::uint64_t& sum : open) sum += static_cast<std::uint64_t>(operation.value);
  }
}

// Calls `visit(value)` for all that the word can hold by operations before the limits, until it
// says no; whether it never did, and all values are known.
template <class Visit>
bool Striking::visit_values(const Visit& visit) const {
  if (cell_->is_opaque) return false;
  const bool only_grows = cell_->only_adds && cell_->lowered_by.core == UINT32_MAX &&
                          !cell_->is_stored_to && cell_->size_bytes == sizeof(std::uint32_t);
  const auto visit_possible = [&](std::uint64_t bits) {
    const bool is_over = only_grows && static_cast<std::int32_t>(bits) < wait_->least;
    return is_over || visit(bits);
  };
  const auto visit_from = [&](const Start& start) {
    const std::uint64_t bits = start.operation == nullptr ? cell_->bits : bits_of(*start.operation);
    bool has_adds = false;
    for (std::size_t w = 0; w < windows_.size(); ++w) {
      if (windows_[w].chain->has_adds()) {
        has_adds = true;
      } else if (!may_be_last(w, start)) {
        return true;  // not the last replacement in any schedule
      }
    }
    if (!has_adds) return visit_possible(bits);
    std::vector<std::uint64_t> values{bits};
    for (std::size_t w = 0; w < windows_.size(); ++w) {
      if (!windows_[w].chain->has_adds()) continue;
      const auto added = sums(w, start);
      if (!added) return false;
      if (added->empty()) return true;
      std::vector<std::uint64_t> next;
      if (values.size() * added->size() > max_values) return false;
      for (std::uint64_t value : values) {
        for (std::uint64_t sum : *added) next.push_back(word_of(value + sum, cell_->size_bytes));
      }
      values = std::move(next);
    }
    return std::all_of(values.begin(), values.end(), visit_possible);
  };
  if (!base_is_replaced_ && !visit_from({})) return false;
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    const std::vector<std::uint32_t>& all = windows_[w].chain->replacements;
    auto index = std::lower_bound(all.begin(), all.end(), windows_[w].begin);
    for (; index != all.end() && *index < limits_[w]; ++index) {
      if (!visit_from({&at(windows_[w], *index), w, *index})) return false;
    }
  }
  return true;
}

// A loop that ends with what has not ended it before counts its looks: nothing ends it. Where each
// value is shown many times, those that have found the last one are loops of their own.
bool Striking::has_failed(std::uint64_t bits) const {
  return wait_->repeats <= max_repeats_ && wait_->has_failed(bits) &&
         !wait_->has_failed(wait_->found);
}

void Striking::strike_look(const SatisfiedWait& look, bool goes_on) {
  const auto cores = static_cast<std::uint32_t>(known_.core_count());
  for (std::uint32_t core = 0; core < cores; ++core) {
    if (core == look.core) continue;
    lower(core, [&](std::uint32_t release) {
      limits_.clear();
      for (const Window& window : windows_) limits_.push_back(without(window, core, release));
      return visit_values([this](std::uint64_t bits) { return has_failed(bits); });
    });
  }
  find_seen(look, goes_on && !is_closed(look));
}

// Which store has happened for certain: one that every other which can have ended the look comes
// after; none if another one may come.
void Striking::find_seen(const SatisfiedWait& look, bool may_come) {
  const Operation* seen = nullptr;
  bool is_certain =
      !may_come && !cell_->is_opaque && (base_is_replaced_ || has_failed(cell_->bits));
  const auto visit = [&](const auto& take) {
    for (const Window& window : windows_) {
      for (std::uint32_t index = window.begin; index < window.end; ++index) {
        const Operation& operation = at(window, index);
        if (!operation.replaces()) {
          is_certain = false;
        } else if (!has_failed(bits_of(operation))) {
          take(operation);
        }
      }
    }
  };
  visit([&](const Operation& operation) {
    if (seen == nullptr || is_before(operation, *seen)) seen = &operation;
  });
  visit([&](const Operation& operation) {
    is_certain = is_certain && (&operation == seen || is_before(*seen, operation));
  });
  std::vector<Cell::Seen>& all = log_.cell(look.cell).seen;
  auto own = std::find_if(all.begin(), all.end(), [&](const Cell::Seen& other) {
    return other.core == look.core && other.acquire == look.acquire;
  });
  if (!is_certain || seen == nullptr) {
    if (own == all.end()) return;
    all.erase(own);
    changed_ = true;
    return;
  }
  if (own == all.end()) {
    changed_ = true;
    own = all.insert(all.end(), {look.core, look.acquire, look.releases_before, 0, 0});
  }
  changed_ = changed_ || own->by != seen->core || own->number != seen->number;
  own->by = seen->core;
  own->number = seen->number;
}

bool Striking::has_seen(const Operation& operation, std::uint32_t core,
                        std::uint32_t acquired) const {
  return std::any_of(cell_->seen.begin(), cell_->seen.end(), [&](const Cell::Seen& seen) {
    return seen.core == core && seen.acquire <= acquired && seen.by == operation.core &&
           operation.number <= seen.number;
  });
}

bool Striking::may_miss(const SatisfiedWait& look) {
  look_at(look);
  for (const Window& window : windows_) {
    for (std::uint32_t index = window.known; index < window.end; ++index) {
      const Operation& operation = at(window, index);
      if (!operation.replaces() || has_failed(bits_of(operation))) {
        return true;  // a sum may be anything
      }
    }
  }
  return false;
}

std::optional<std::vector<std::uint64_t>> Striking::findable(const SatisfiedWait& look) {
  look_at(look);
  limits_.clear();
  for (const Window& window : windows_) limits_.push_back(window.end);
  std::vector<std::uint64_t> values;
  const bool are_known = visit_values([&](std::uint64_t bits) {
    values.push_back(bits);
    return true;
  });
  if (!are_known) return std::nullopt;
  keep_different(values);
  return values;
}

}  // namespace peal
