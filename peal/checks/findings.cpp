// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/findings.h"

#include <algorithm>
#include <utility>

namespace peal {

SourceId SourceTable::id(SourcePlace place) {
  const Key key{place.file, place.line, place.origin};
  Recent& recent = recent_[(Hash{}(key)) % recent_.size()];
  if (recent.key == key) return recent.id;
  const auto [entry, is_new] = ids_.try_emplace(key);
  if (is_new) {  // one file name may have several addresses
    const std::string file = place.file == nullptr ? "" : place.file;
    const auto [named, is_new_name] = by_name_.try_emplace({file, place.line, place.origin},
                                                           static_cast<SourceId>(lines_.size()));
    if (is_new_name) lines_.push_back({file, place.line, place.origin});
    entry->second = named->second;
  }
  recent = {key, entry->second};
  return entry->second;
}

void Findings::add(FindingClass kind, SourceId first, SourceId second,
                   const std::function<Finding()>& make) {
  const auto [entry, is_new] =
      index_.try_emplace({kind, std::min(first, second), std::max(first, second)}, found_.size());
  if (!is_new) {
    ++found_[entry->second].count;
    return;
  }
  found_.push_back(make());
}

bool Findings::is_clean() const {
  return std::all_of(found_.begin(), found_.end(),
                     [](const Finding& finding) { return is_advice(finding); });
}

Finding Findings::with_core_numbers(Finding finding) const {
  for (FindingSide& side : finding.sides) {
    const auto core = static_cast<std::size_t>(side.core);
    if (core < core_numbers_.size()) side.core = core_numbers_[core];
  }
  return finding;
}

std::vector<Finding> Findings::sorted() const {
  std::vector<Finding> result;
  for (const Finding& finding : found_) result.push_back(with_core_numbers(finding));
  std::stable_sort(result.begin(), result.end(), is_more_important);
  return result;
}

}  // namespace peal
