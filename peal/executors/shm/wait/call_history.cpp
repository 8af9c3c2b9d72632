// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/wait/call_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <vector>

#include "peal/base/error.h"

namespace peal {
namespace {

using RecordWords = std::array<std::uint64_t, CallHistory::record_words>;

// Change::first_and_record: the call's number, and in the lower bits those of the record's number.
// One word, so that readers see both change at once.
constexpr int record_bits = 24;
constexpr std::uint64_t record_mask = (std::uint64_t{1} << record_bits) - 1;

std::uint64_t first_and_record(std::uint64_t first, std::uint64_t number) {
  return first << record_bits | (number & record_mask);
}

std::size_t slot_of_record(std::uint64_t number) { return number % CallHistory::records_count; }
std::size_t slot_of_change(std::uint64_t index) { return index % CallHistory::changes_count; }

// Copies the record whose number has these lower bits; nullopt if its slot was overwritten.
// Invariant 2 of CallHistory: suppose that a word of the copy is of a later record. The writer
// stored 0 to `number` before that word, and that word with release; so the acquire load of the
// word makes the second load of `number` return 0 or a larger number, and the copy is discarded.
std::optional<CallRecord> record_of(const CallHistory& history, std::uint64_t bits) {
  const CallHistory::Record& record = history.records[slot_of_record(bits)];
  const std::uint64_t number = record.number.load(std::memory_order_acquire);
  if (number == 0 || (number & record_mask) != bits) return std::nullopt;
  RecordWords words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = record.words[i].load(std::memory_order_acquire);
  }
  if (record.number.load(std::memory_order_relaxed) != number) return std::nullopt;
  return std::bit_cast<CallRecord>(words);
}

// A run of equal calls: from number `first` on, up to the next stretch. `before` is the
// history_after() of all earlier calls.
struct Stretch {
  std::uint64_t first = 0, before = 0;
  CallRecord call;
};
// A snapshot of one rank's history, in the order of the calls.
struct Calls {
  int rank = 0;  // of the team
  std::vector<Stretch> stretches;

  // The stretch that call `number` is in; nullptr if it is forgotten.
  [[nodiscard]] const Stretch* at(std::uint64_t number) const {
    const auto later = std::find_if(stretches.begin(), stretches.end(),
                                    [&](const Stretch& one) { return one.first > number; });
    return later == stretches.begin() ? nullptr : &*(later - 1);
  }
  // The value of one arrival that the rank notifies in call `number`, given that no later change
  // applies to it.
  [[nodiscard]] std::optional<std::uint64_t> arrival_at(std::uint64_t number) const {
    const Stretch* const one = at(number);
    if (one == nullptr) return std::nullopt;
    return arrival_in(history_after(one->before, stamp_of(one->call), number - one->first + 1));
  }
};

// Reads the changes from the last one back to the first whose record is still there.
Calls calls_of(const CallHistory& history) {
  Calls calls{.rank = static_cast<int>(history.team_rank.load()) - 1, .stretches = {}};
  const std::uint64_t end = history.changes_written.load(std::memory_order_acquire);
  const std::uint64_t begin = end - std::min<std::uint64_t>(end, CallHistory::changes_count);
  for (std::uint64_t index = end; index > begin; --index) {
    const CallHistory::Change& change = history.changes[slot_of_change(index - 1)];
    const std::uint64_t word = change.first_and_record.load(std::memory_order_acquire);
    const std::uint64_t before = change.before.load(std::memory_order_acquire);
    const std::optional<CallRecord> call = record_of(history, word & record_mask);
    if (!call) break;
    calls.stretches.push_back({word >> record_bits, before, *call});
  }
  std::reverse(calls.stretches.begin(), calls.stretches.end());
  return calls;
}

// The calls of the rank at `part`; nullopt if it is not in the team or has announced no call.
std::optional<Calls> calls_at(const ShmArena& arena, int part, std::size_t place) {
  const auto& history = *reinterpret_cast<const CallHistory*>(arena.part(part) + place);
  if (history.team_rank.load(std::memory_order_acquire) == 0) return std::nullopt;
  return calls_of(history);
}
Calls calls_at(const ShmArena& arena, const CallPosition& own) {
  std::optional<Calls> calls = calls_at(arena, own.part, own.place);
  PEAL_CHECK(calls && !calls->stretches.empty());  // a rank that asks has announced a call
  return *std::move(calls);
}

// Calls `use(part, calls)` for each other rank of the team, until it returns true.
template <class Use>
void for_each_other(const ShmArena& arena, const CallPosition& own, const Use& use) {
  for (int part = 0; part < arena.ranks(); ++part) {
    if (part == own.part) continue;
    const std::optional<Calls> calls = calls_at(arena, part, own.place);
    if (calls && use(part, *calls)) return;
  }
}

// A sentence about the first call, up to number `last`, for which `is_unlike(mine, theirs)`. Both
// sides are constant between two changes, so only calls at which one side changes are compared.
template <class IsUnlike>
std::optional<std::string> first_difference(const Calls& mine, const Calls& theirs,
                                            std::uint64_t last, const IsUnlike& is_unlike) {
  std::set<std::uint64_t> numbers;
  for (const Calls* calls : {&mine, &theirs}) {
    for (const Stretch& one : calls->stretches) {
      if (one.first <= last) numbers.insert(one.first);
    }
  }
  for (std::uint64_t number : numbers) {
    const Stretch *const a = mine.at(number), *const b = theirs.at(number);
    if (a == nullptr || b == nullptr || !is_unlike(a->call, b->call)) continue;
    return describe_difference({mine.rank, a->call}, {theirs.rank, b->call});
  }
  return std::nullopt;
}

// True if one rank is still choosing an algorithm, which takes communication between all ranks, and
// the other is already in the call with another algorithm than the first one was asked for. In a
// run that cannot go on, the first rank waits for a choice in which the second takes no part.
bool is_asked_for_otherwise(const CallRecord& a, const CallRecord& b) {
  return a.is_chosen != b.is_chosen && std::string_view(a.algorithm) != b.algorithm;
}

// A lower bound of how many calls the rank has begun.
std::uint64_t known_calls(const ShmArena& arena, int part, std::size_t place) {
  const auto& history = *reinterpret_cast<const CallHistory*>(arena.part(part) + place);
  return history.calls.load(std::memory_order_acquire);
}

// The number of the peer's call, near `near`, whose arrivals explain the excess. Ranks may be a few
// calls apart, since not every call makes every rank wait for every other.
std::optional<std::uint64_t> find_source(const Calls& theirs, const UnlikeArrivals& heard,
                                         std::uint64_t near) {
  constexpr std::uint64_t max_apart = 64;
  const auto is_source = [&](std::uint64_t number) {
    const std::optional<std::uint64_t> arrival = theirs.arrival_at(number);
    if (!arrival) return false;
    // For call `near`, several ranks may have sent such an arrival: try each multiple.
    std::uint64_t sum = 0;
    for (int count = 1; count <= heard.most; ++count) {
      sum += *arrival - heard.own;
      if (sum == heard.excess) return true;
      if (number != near) return false;
    }
    return false;
  };
  if (is_source(near)) return near;
  for (std::uint64_t apart = 1; apart <= max_apart; ++apart) {
    if (near > apart && is_source(near - apart)) return near - apart;
    if (is_source(near + apart)) return near + apart;
  }
  return std::nullopt;
}

std::string describe_meeting(const Calls& mine, std::uint64_t own, const Calls& theirs,
                             std::uint64_t other) {
  const Stretch *const a = mine.at(own), *const b = theirs.at(other);
  return fmt::format(
      "{}: it is call {} of rank {}, and meets {}, call {} of rank {}; all ranks of a team make "
      "the "
      "same calls in the same order",
      a == nullptr ? "a collective call" : describe(a->call), own, mine.rank,
      b == nullptr ? "a collective call" : describe(b->call), other, theirs.rank);
}

}  // namespace

ShmCalls::ShmCalls(const ShmArena& arena, int part, int team_rank, std::size_t place)
    : own_(*reinterpret_cast<CallHistory*>(arena.part(part) + place)), place_(place) {
  own_.team_rank.store(static_cast<std::uint32_t>(team_rank) + 1, std::memory_order_release);
}

void ShmCalls::change(const NextCall& next, std::uint64_t number) {
  std::uint64_t written = own_.changes_written.load(std::memory_order_relaxed);
  // A second announcement of the same call (its algorithm is now chosen) replaces the first.
  if (written > 0 && last_first_ == next.first) --written;
  CallHistory::Change& change = own_.changes[slot_of_change(written)];
  change.before.store(next.before, std::memory_order_release);
  change.first_and_record.store(first_and_record(next.first, number), std::memory_order_release);
  own_.changes_written.store(written + 1, std::memory_order_release);
  last_first_ = next.first;
}

std::uint64_t ShmCalls::announce(const NextCall& next, const CallRecord& call) {
  const std::uint64_t number = own_.records_written.load(std::memory_order_relaxed) + 1;
  CallHistory::Record& record = own_.records[slot_of_record(number)];
  const auto words = std::bit_cast<RecordWords>(call);
  record.number.store(0, std::memory_order_relaxed);
  for (std::size_t i = 0; i < words.size(); ++i) {
    record.words[i].store(words[i], std::memory_order_release);
  }
  record.number.store(number, std::memory_order_release);
  own_.records_written.store(number, std::memory_order_relaxed);
  change(next, number);
  return number;
}

bool ShmCalls::announce_again(const NextCall& next, std::uint64_t number) {
  const std::uint64_t written = own_.records_written.load(std::memory_order_relaxed);
  if (number == 0 || number + CallHistory::records_count <= written) return false;
  change(next, number);
  return true;
}

std::optional<CallRecord> call_of(const CallHistory& history, std::uint64_t number) {
  const Calls calls = calls_of(history);
  const Stretch* const one = calls.at(number);
  return one == nullptr ? std::nullopt : std::optional(one->call);
}

std::optional<std::string> find_difference(const ShmArena& arena, const CallPosition& own) {
  const Calls mine = calls_at(arena, own);
  std::optional<std::string> text;
  const auto search = [&](const auto& is_unlike) {
    for_each_other(arena, own, [&](int part, const Calls& theirs) {
      const std::uint64_t last = std::min(own.number, known_calls(arena, part, own.place));
      text = first_difference(mine, theirs, last, is_unlike);
      return text.has_value();
    });
  };
  search(differ);
  if (!text) search(is_asked_for_otherwise);
  return text;
}

std::optional<std::string> difference_to(const ShmArena& arena, const CallPosition& own, int part) {
  const std::optional<Calls> theirs = calls_at(arena, part, own.place);
  if (!theirs) return std::nullopt;
  const Calls mine = calls_at(arena, own);
  const auto text = first_difference(mine, *theirs, own.number, differ);
  return text ? text : first_difference(mine, *theirs, own.number, is_asked_for_otherwise);
}

std::string describe_heard(const ShmArena& arena, const CallPosition& own,
                           const UnlikeArrivals& heard) {
  const Calls mine = calls_at(arena, own);
  std::optional<std::string> text;
  // First choice: one rank whose call explains the excess.
  for_each_other(arena, own, [&](int, const Calls& theirs) {
    const std::optional<std::uint64_t> number = find_source(theirs, heard, own.number);
    if (!number) return false;
    text = first_difference(mine, theirs, std::min(own.number, *number), differ);
    if (!text) text = describe_meeting(mine, own.number, theirs, *number);
    return true;
  });
  // Else arrivals of several unlike calls add up to the excess: any rank that differs will do.
  if (!text) {
    for_each_other(arena, own, [&](int, const Calls& theirs) {
      text = first_difference(mine, theirs, own.number, differ);
      return text.has_value();
    });
  }
  if (text) return *text;
  return fmt::format(
      "rank {} has heard from a rank that makes another collective call; all ranks of a team make "
      "the same calls in the same order",
      mine.rank);
}

}  // namespace peal
