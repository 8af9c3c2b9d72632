// SPDX-License-Identifier: Apache-2.0
#include "peal/search/looks_to_show.h"

#include <algorithm>

namespace peal {

LooksByNumber by_number(const std::vector<LookRecord>& looks) {
  LooksByNumber result;
  for (const LookRecord& look : looks) result[{look.core, look.number}] = &look;
  return result;
}

std::map<std::uint32_t, std::size_t> LooksToShow::counts() const {
  std::map<std::uint32_t, std::size_t> result;
  for (const LookRecord& look : looks_) {
    result[look.core] += look.not_shown.size() + (look.may_miss ? 1 : 0);
  }
  return result;
}

std::optional<std::uint32_t> LooksToShow::slowest() const {
  std::optional<std::uint32_t> result;
  std::size_t most = 0;
  for (const auto& [core, count] : counts()) {
    if (count <= most || in_vain_.contains(core)) continue;
    most = count;
    result = core;
  }
  return result;
}

void LooksToShow::forget_shown() {
  std::erase_if(looks_,
                [](const LookRecord& look) { return look.not_shown.empty() && !look.may_miss; });
}

void LooksToShow::set_next(Looks& looks) {
  ++runs_;
  slow_core_ = slowest().value_or(0);
  looks.order = Looks::Order::late;
  looks.wanted.clear();
  const auto is_own = [this](const LookRecord& look) { return look.core == slow_core_; };
  shows_newest_ = std::any_of(looks_.begin(), looks_.end(), [&](const LookRecord& look) {
    return is_own(look) && look.may_miss;
  });
  for (const LookRecord& look : looks_) {
    if (!is_own(look)) continue;
    looks.wanted.push_back({look.core, look.number, {}});
    if (!shows_newest_) looks.wanted.back().values = look.not_shown;
  }
}

void LooksToShow::note_shown(const std::vector<LookRecord>& shown) {
  const LooksByNumber found = by_number(shown);
  const std::size_t before = counts()[slow_core_];
  for (LookRecord& look : looks_) {
    if (shows_newest_ && look.core == slow_core_) look.may_miss = false;
    const auto own = found.find({look.core, look.number});
    if (own == found.end()) continue;
    std::erase_if(look.not_shown,
                  [&](std::uint64_t value) { return own->second->has_been_shown(value); });
  }
  forget_shown();
  if (counts()[slow_core_] == before) in_vain_.insert(slow_core_);
}

}  // namespace peal
