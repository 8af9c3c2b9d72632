// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/contributions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace peal {
namespace {

// Of a set: ranks by their number modulo `set_ranks`, above them a hash of the element.
constexpr int set_ranks = 48;
constexpr std::uint64_t set_mask = (std::uint64_t{1} << set_ranks) - 1;
constexpr std::uint64_t mixed_elements = 0xfffe;

// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

void Contributions::read(const Event& event) {
  switch (event.kind) {
    case EventKind::contribution:
      return contribute(event);
    case EventKind::expectation:
      return expect(event);
    case EventKind::load:
    case EventKind::store:
      return move(event);
    case EventKind::vector:
      return compute(event);
    case EventKind::store_visible:
      return become_visible(event);
    case EventKind::scalar_write:
      return memory_.forget(event.address, event.size_bytes);
    default:
      return;
  }
}

std::uint64_t Contributions::weight(int rank, std::int64_t element, std::uint32_t call) const {
  const std::uint64_t of_element =
      mix(static_cast<std::uint64_t>(element) * 0x9e3779b97f4a7c15 + call + 1);
  if (!is_set_) return mix(of_element + static_cast<std::uint64_t>(rank) + 1) >> 1;
  const std::uint64_t hash = of_element % mixed_elements;
  return hash << set_ranks | std::uint64_t{1} << (rank % set_ranks);
}

std::uint64_t Contributions::combine(std::uint64_t a, std::uint64_t b) const {
  if (a == ContributionMemory::unknown || b == ContributionMemory::unknown) {
    return ContributionMemory::unknown;
  }
  if (!is_set_) return a + b;
  if (a == ContributionMemory::nothing) return b;
  if (b == ContributionMemory::nothing) return a;
  const std::uint64_t element = a >> set_ranks == b >> set_ranks ? a >> set_ranks : mixed_elements;
  return element << set_ranks | ((a | b) & set_mask);
}

void Contributions::contribute(const Event& event) {
  is_set_ = event.combination == Combination::min || event.combination == Combination::max;
  ranks_ = std::max(ranks_, event.peer + 1);
  const Footprint& area = event.writes.front();
  const auto count = static_cast<std::int64_t>(event.size_bytes / area.element_bytes);
  most_elements_ = std::max(most_elements_, event.value + count);
  first_.resize(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    first_[static_cast<std::size_t>(i)] = weight(event.peer, event.value + i, event.number);
  }
  memory_.scatter(event.writes, first_);
}

void Contributions::move(const Event& event) {
  if (ranks_ == 0) return;
  if (event.kind == EventKind::load) {
    if (event.combination == Combination::move) {
      memory_.gather(event.reads, first_);
    } else {
      first_.clear();
    }
    return memory_.scatter(event.writes, first_);
  }
  Store store;
  if (!free_stores_.empty()) {
    store = std::move(free_stores_.back());
    free_stores_.pop_back();
  }
  memory_.gather(event.reads, store.elements);
  if (event.combination == Combination::other) store.elements.clear();
  store.writes.assign(event.writes.begin(), event.writes.end());
  store.atomic = event.atomic;
  store.place = findings_.places().id(event.place);
  under_way_[{event.core, static_cast<int>(event.pipe), event.value}] = std::move(store);
}

void Contributions::become_visible(const Event& event) {
  const auto found = under_way_.find({event.core, static_cast<int>(event.pipe), event.value});
  if (found == under_way_.end()) return;
  Store& store = found->second;
  if (store.atomic) {
    memory_.gather(store.writes, second_);
    for (std::size_t i = 0; i < store.elements.size(); ++i) {
      store.elements[i] = combine(store.elements[i], second_[i]);
    }
  }
  memory_.scatter(store.writes, store.elements);
  if (const auto* region = regions_.find(event.address); region != nullptr) {
    last_writers_[region->begin] = {store.place, event.rank, event.core};
  }
  free_stores_.push_back(std::move(store));
  under_way_.erase(found);
}

void Contributions::compute(const Event& event) {
  if (ranks_ == 0) return;
  first_.clear();
  switch (event.combination) {
    case Combination::move:
      memory_.gather(event.reads, first_);
      break;
    case Combination::sum:
    case Combination::prod:
    case Combination::min:
    case Combination::max:
      memory_.gather(event.reads.first(1), first_);
      memory_.gather(event.reads.subspan(1), second_);
      if (first_.size() != second_.size()) {
        first_.clear();
        break;
      }
      for (std::size_t i = 0; i < first_.size(); ++i) first_[i] = combine(first_[i], second_[i]);
      break;
    case Combination::constant: {
      const Footprint& area = event.writes.front();
      first_.assign(area.size_bytes() / area.element_bytes, ContributionMemory::nothing);
      break;
    }
    case Combination::other:
      break;
  }
  memory_.scatter(event.writes, first_);
}

std::uint64_t Contributions::expected(const Event& event, std::int64_t element) const {
  if (event.combination == Combination::move) return weight(event.peer, element, event.number);
  std::uint64_t all = ContributionMemory::nothing;
  for (int rank = 0; rank < ranks_; ++rank) {
    all = combine(all, weight(rank, element, event.number));
  }
  return all;
}

void Contributions::expect(const Event& event) {
  memory_.gather(event.writes, first_);
  for (std::size_t i = 0; i < first_.size(); ++i) {
    if (first_[i] == ContributionMemory::unknown) continue;
    const auto index = static_cast<std::int64_t>(i);
    if (first_[i] == expected(event, event.value + index)) continue;
    report(event, index, first_[i]);
    return;  // one element says it for all
  }
}

std::string Contributions::where_from(const Event& event, std::uint64_t found) const {
  if (found == ContributionMemory::nothing) return "nobody's contribution";
  for (int rank = 0; rank < ranks_; ++rank) {
    for (std::int64_t element = 0; element < most_elements_; ++element) {
      for (std::uint32_t call = 0; call <= event.number; ++call) {
        if (weight(rank, element, call) != found) continue;
        return fmt::format("element {} of rank {}{}", element, rank,
                           call == event.number ? "" : fmt::format(" in call {}", call));
      }
    }
  }
  return "a mixture of several contributions";
}

std::string Contributions::explain_set(const Event& event, std::int64_t element,
                                       std::uint64_t found) const {
  std::string missing;
  const std::uint64_t own = weight(0, element, event.number) >> set_ranks;
  if (found != ContributionMemory::nothing && found >> set_ranks != own) {
    return "it is made from other elements, or from those of another call";
  }
  for (int rank = 0; rank < ranks_; ++rank) {
    if ((found >> (rank % set_ranks) & 1) != 0) continue;
    missing += fmt::format("{}rank {}", missing.empty() ? "" : ", ", rank);
  }
  return fmt::format("the contribution of {} is missing", missing);
}

std::string Contributions::explain(const Event& event, std::int64_t element,
                                   std::uint64_t found) const {
  if (event.combination == Combination::move) {
    return fmt::format("it should be element {} of rank {} and is {}", element, event.peer,
                       where_from(event, found));
  }
  if (is_set_) return explain_set(event, element, found);
  const std::uint64_t all = expected(event, element);
  const auto of = [&](int rank) { return weight(rank, element, event.number); };
  for (int rank = 0; rank < ranks_; ++rank) {
    if (found + of(rank) == all) return fmt::format("the contribution of rank {} is missing", rank);
    if (found == all + of(rank)) return fmt::format("rank {} has contributed twice", rank);
  }
  for (int missing = 0; missing < ranks_; ++missing) {
    for (int twice = 0; twice < ranks_; ++twice) {
      if (found + of(missing) != all + of(twice)) continue;
      return fmt::format(
          "the contribution of rank {} is missing, and rank {} has contributed twice", missing,
          twice);
    }
  }
  return fmt::format("it is not the sum of each rank's element {}: it is {}", element,
                     where_from(event, found));
}

void Contributions::report(const Event& event, std::int64_t index, std::uint64_t found) {
  const PlaceId none = findings_.places().id({});
  const MemoryRegions::Region* const region = regions_.find(event.address);
  const auto found_writer =
      region == nullptr ? last_writers_.end() : last_writers_.find(region->begin);
  const Writer writer =
      found_writer == last_writers_.end() ? Writer{.place = none} : found_writer->second;
  const PlaceId place = writer.place;
  findings_.add(FindingClass::wrong_result, place, place, [&] {
    Finding finding{.kind = FindingClass::wrong_result,
                    .subject = fmt::format("element {} of the result of rank {} in call {}", index,
                                           event.rank, event.number),
                    .sides = {},
                    .reason = explain(event, event.value + index, found)};
    if (place != none) {
      finding.sides.push_back(
          {writer.rank, writer.core, "", "writes the result last", findings_.places().line(place)});
    }
    return finding;
  });
}

}  // namespace peal
