// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/contributions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace peal {
namespace {

// Layout of a bit set: bit (rank mod set_ranks), and above these a hash of the call.
constexpr int set_ranks = 48;
constexpr std::uint64_t set_mask = (std::uint64_t{1} << set_ranks) - 1;
constexpr std::uint64_t call_hashes = 0xfffe;

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

std::uint64_t Contributions::weight(int rank, std::uint32_t call) const {
  const std::uint64_t of_call = mix(call + UINT64_C(0x9e3779b97f4a7c15));
  if (!is_set_) return mix(of_call + static_cast<std::uint64_t>(rank) + 1) >> 2;
  return of_call % call_hashes << set_ranks | std::uint64_t{1} << (rank % set_ranks);
}

std::uint64_t Contributions::add(std::uint64_t a, std::uint64_t b) const {
  if (!is_set_) return (a + b) & (UINT64_MAX >> 1);
  if (a >> set_ranks != b >> set_ranks) return ContributionRun::mixed;
  return a | (b & set_mask);
}

void Contributions::combine(std::vector<ContributionRun>& first,
                            const std::vector<ContributionRun>& second) {
  sum_.clear();
  std::size_t other = 0;
  std::uint64_t used = 0;  // elements consumed of second[other]
  for (const ContributionRun& run : first) {
    for (std::uint64_t done = 0; done < run.count;) {
      ContributionRun a = run.from(done);
      if (other == second.size()) {
        append(sum_, {.contributors = ContributionRun::unknown, .count = a.count});
        break;
      }
      const ContributionRun b = second[other].from(used);
      ContributionRun sum = a;
      sum.count = std::min(a.count, b.count);
      if (a.contributors == ContributionRun::unknown ||
          b.contributors == ContributionRun::unknown) {
        sum.contributors = ContributionRun::unknown;
      } else if (a.contributors == ContributionRun::nothing) {
        sum.contributors = b.contributors;
        sum.element = b.element;
      } else if (b.contributors != ContributionRun::nothing) {
        const bool is_mixed = a.element != b.element || !a.has_elements() || !b.has_elements();
        sum.contributors = is_mixed ? ContributionRun::mixed : add(a.contributors, b.contributors);
      }
      append(sum_, sum);
      done += sum.count;
      used += sum.count;
      if (used == second[other].count) {
        ++other;
        used = 0;
      }
    }
  }
  first.swap(sum_);
}

void Contributions::contribute(const Event& event) {
  is_set_ = event.combination == Combination::min || event.combination == Combination::max;
  ranks_ = std::max(ranks_, event.peer + 1);
  const ContributionRun run{.contributors = weight(event.peer, event.number),
                            .element = event.value,
                            .count = event.size_bytes / event.writes.front().element_bytes};
  memory_.scatter(event.writes, {&run, 1});
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
  memory_.gather(event.reads, store.runs);
  if (event.combination == Combination::other) store.runs.clear();
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
    combine(store.runs, second_);
  }
  memory_.scatter(store.writes, store.runs);
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
      combine(first_, second_);
      break;
    case Combination::constant: {
      const Footprint& area = event.writes.front();
      first_.push_back({.count = area.size_bytes() / area.element_bytes});
      break;
    }
    case Combination::other:
      break;
  }
  memory_.scatter(event.writes, first_);
}

std::uint64_t Contributions::expected(const Event& event) const {
  if (event.combination == Combination::move) return weight(event.peer, event.number);
  std::uint64_t all = weight(0, event.number);
  for (int rank = 1; rank < ranks_; ++rank) all = add(all, weight(rank, event.number));
  return all;
}

void Contributions::expect(const Event& event) {
  memory_.gather(event.writes, first_);
  const std::uint64_t contributors = expected(event);
  std::int64_t index = 0;
  for (const ContributionRun& run : first_) {
    const bool is_right = run.contributors == contributors && run.element == event.value + index;
    if (!is_right && run.contributors != ContributionRun::unknown) {
      return report(event, index, run);  // one finding per expectation
    }
    index += static_cast<std::int64_t>(run.count);
  }
}

std::string Contributions::where_from(const Event& event, const ContributionRun& found) const {
  if (found.contributors == ContributionRun::nothing) return "nobody's contribution";
  for (int rank = 0; rank < ranks_ && found.has_elements(); ++rank) {
    for (std::uint32_t call = 0; call <= event.number; ++call) {
      if (weight(rank, call) != found.contributors) continue;
      return fmt::format("element {} of {}{}", found.element, findings_.name_of(rank),
                         call == event.number ? "" : fmt::format(" in call {}", call));
    }
  }
  return "a mixture of several contributions";
}

std::string Contributions::explain_set(const Event& event, const ContributionRun& found) const {
  if (found.contributors != ContributionRun::nothing &&
      found.contributors >> set_ranks != weight(0, event.number) >> set_ranks) {
    return "it is made from another call's contributions";
  }
  std::string missing;
  for (int rank = 0; rank < ranks_; ++rank) {
    if ((found.contributors >> (rank % set_ranks) & 1) != 0) continue;
    missing += (missing.empty() ? "" : ", ") + findings_.name_of(rank);
  }
  return fmt::format("the contribution of {} is missing", missing);
}

std::string Contributions::explain(const Event& event, std::int64_t element,
                                   const ContributionRun& found) const {
  if (event.combination == Combination::move) {
    return fmt::format("it should be element {} of {} and is {}", element,
                       findings_.name_of(event.peer), where_from(event, found));
  }
  if (found.contributors == ContributionRun::mixed) {
    return fmt::format("it is not made from each rank's element {} but from different ones",
                       element);
  }
  if (found.has_elements() && found.element != element) {
    return fmt::format("it should be made from each rank's element {} and is from element {}",
                       element, found.element);
  }
  if (is_set_) return explain_set(event, found);
  const std::uint64_t all = expected(event);
  const auto plus = [&](std::uint64_t sum, int rank) {
    return add(sum, weight(rank, event.number));
  };
  for (int rank = 0; rank < ranks_; ++rank) {
    if (plus(found.contributors, rank) == all) {
      return fmt::format("the contribution of {} is missing", findings_.name_of(rank));
    }
    if (found.contributors == plus(all, rank)) {
      return fmt::format("{} has contributed twice", findings_.name_of(rank));
    }
  }
  for (int missing = 0; missing < ranks_; ++missing) {
    for (int twice = 0; twice < ranks_; ++twice) {
      if (plus(found.contributors, missing) != plus(all, twice)) continue;
      return fmt::format("the contribution of {} is missing, and {} has contributed twice",
                         findings_.name_of(missing), findings_.name_of(twice));
    }
  }
  return fmt::format("it is not the sum of each rank's element {} once: it is {}", element,
                     where_from(event, found));
}

void Contributions::report(const Event& event, std::int64_t index, const ContributionRun& found) {
  const Footprint& area = event.writes.front();
  const std::uint64_t before = event.threshold * (area.size_bytes() / area.element_bytes);
  const SourceId none = findings_.places().id({});
  const MemoryRegions::Region* const region = regions_.find(event.address);
  const auto found_writer =
      region == nullptr ? last_writers_.end() : last_writers_.find(region->begin);
  const Writer writer =
      found_writer == last_writers_.end() ? Writer{.place = none} : found_writer->second;
  const SourceId place = writer.place;
  findings_.add(FindingClass::wrong_result, place, place, [&] {
    Finding finding{.kind = FindingClass::wrong_result,
                    .subject = fmt::format("element {} of the result of {} in call {}",
                                           before + static_cast<std::uint64_t>(index),
                                           findings_.name_of(event.rank), event.number),
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
