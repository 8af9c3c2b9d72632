// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "peal/checks/order/striking.h"

// Looks at polled words, lemma 5: which values a look can find, and what order follows from the
// value that ended a loop. Adds wrap at the size of the word, so that bounds do not do: sets of
// values are enumerated instead.

namespace peal {
namespace {

// The largest set of values that is enumerated. A look with more gives no order.
constexpr std::size_t max_values = 4096;

void keep_different(std::vector<std::uint64_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

std::uint64_t Striking::bits_of(const Operation& operation) const {
  return word_of(static_cast<std::uint64_t>(operation.value), cell_->size_bytes);
}

// For a chain without adds: true if the start can be the last replacement as far as this chain
// goes, because everything of the chain that has arrived for certain (`known`) can come before the
// start.
bool Striking::may_be_last(std::size_t p, const Start& start) const {
  const auto [first, certain] = begin_in_order(p, start);
  const std::uint32_t limit = std::max(first, limits_[p]);
  return std::max(first, parts_[p].known) <= std::min(certain, limit);
}

// Every sum that one chain can contribute after the start: the same runs as in best(), but all of
// them instead of the largest. `open` holds the sums of the runs that end at `index`. nullopt if
// there are too many, or if adds may overtake each other.
std::optional<std::vector<std::uint64_t>> Striking::sums(std::size_t p, const Start& start) const {
  const ChainPart& part = parts_[p];
  const std::uint32_t limit = limits_[p];
  const auto [first, certain] = begin_in_order(p, start);
  std::vector<std::uint64_t> result, open;
  for (std::uint32_t index = first;; ++index) {
    if (index <= certain) open.push_back(0);
    keep_different(open);
    if (index >= part.known) result.insert(result.end(), open.begin(), open.end());
    keep_different(result);
    if (open.size() > max_values || result.size() > max_values) return std::nullopt;
    if (index >= limit) return result;
    const Operation& operation = at(part, index);
    if (operation.replaces()) {
      open.clear();
    } else if (!signals_in_order_) {
      return std::nullopt;  // any subset of the adds may have arrived
    }
    for (std::uint64_t& sum : open) sum += static_cast<std::uint64_t>(operation.value);
  }
}

// Calls `visit(value)` for every value that the word can hold by operations before limits_, until
// it returns false. Returns true if it never did and all values are known. For each Start, the
// values are its own plus one sum of each chain that adds; a start is skipped if a chain must have
// put a replacement after it. Values below wait_->least, the core's own lower bound, are skipped
// where the cell only grows.
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
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (parts_[p].chain->has_adds()) {
        has_adds = true;
      } else if (!may_be_last(p, start)) {
        return true;  // not the last replacement in any schedule
      }
    }
    if (!has_adds) return visit_possible(bits);
    std::vector<std::uint64_t> values{bits};
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (!parts_[p].chain->has_adds()) continue;
      const auto added = sums(p, start);
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
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::vector<std::uint32_t>& all = parts_[p].chain->replacements;
    auto index = std::lower_bound(all.begin(), all.end(), parts_[p].begin);
    for (; index != all.end() && *index < limits_[p]; ++index) {
      if (!visit_from({&at(parts_[p], *index), p, *index})) return false;
    }
  }
  return true;
}

// True if the value provably does not end the loop. A loop that ended with a value that had not
// ended it before counts its iterations, so that nothing is provable of it. The same goes for one
// that found its last value more than max_repeats_ times in a row, where loops are shown each value
// many times.
bool Striking::has_failed(std::uint64_t bits) const {
  return wait_->repeats <= max_repeats_ && wait_->has_failed(bits) &&
         !wait_->has_failed(wait_->found);
}

// (b) for a loop of looks, the first half of lemma 5: (x, W) stays if every value that the word can
// hold without x provably does not end the loop. Then `seen`, the second half.
void Striking::strike_look(const SatisfiedWait& look, bool may_come) {
  const auto cores = static_cast<std::uint32_t>(known_.core_count());
  for (std::uint32_t core = 0; core < cores; ++core) {
    if (core == look.core) continue;
    lower(core, [&](std::uint32_t release) {
      limits_.clear();
      for (const ChainPart& part : parts_) limits_.push_back(without(part, core, release));
      return visit_values([this](std::uint64_t bits) { return has_failed(bits); });
    });
  }
  find_seen(look, may_come && !is_closed(look));
}

// `seen` of lemma 5: the store that every other store which can have ended the loop comes after. It
// exists only if all of these hold (is_certain):
//   - no further operation on the word can come (!may_come), and all are known (!is_opaque);
//   - the base value cannot have ended the loop: it is replaced, or provably does not end it;
//   - no add counts, whose sum may be anything;
//   - the candidate, found in a first pass, is before all the others, checked in a second.
// Otherwise removes the entry that an earlier round of the fixpoint made: is_before() uses the
// relation, which may have become smaller since.
void Striking::find_seen(const SatisfiedWait& look, bool may_come) {
  const Operation* seen = nullptr;
  bool is_certain =
      !may_come && !cell_->is_opaque && (base_is_replaced_ || has_failed(cell_->bits));
  const auto visit = [&](const auto& take) {
    for (const ChainPart& part : parts_) {
      for (std::uint32_t index = part.begin; index < part.end; ++index) {
        const Operation& operation = at(part, index);
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
  load_wait(look);
  for (const ChainPart& part : parts_) {
    for (std::uint32_t index = part.known; index < part.end; ++index) {
      const Operation& operation = at(part, index);
      if (!operation.replaces() || has_failed(bits_of(operation))) {
        return true;  // an add can give any value
      }
    }
  }
  return false;
}

std::optional<std::vector<std::uint64_t>> Striking::findable(const SatisfiedWait& look) {
  load_wait(look);
  limits_.clear();
  for (const ChainPart& part : parts_) limits_.push_back(part.end);
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
