// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "peal/executors/shm/memory/arena.h"
#include "peal/machine/calls/call_record.h"

namespace peal {

// The collective calls of a team as one of its ranks shows them to the others, in its part of the
// arena. The rank alone writes it. A call just like the one before takes no word of it: `changes`
// holds from which call on each was the one that is made. What it refers to is written before it,
// so whoever has heard from a rank in a call finds that call here.
struct CallHistory {
  static constexpr std::size_t records_count = 32, changes_count = 64;
  static constexpr std::size_t record_words = sizeof(CallRecord) / sizeof(std::uint64_t);

  // In words, since the others may look while it is written again.
  struct Record {
    std::atomic<std::uint64_t> number;  // of all; from 1 on
    std::array<std::atomic<std::uint64_t>, record_words> words;
  };

  // From which call on which record's call was made, and what stands for all calls before.
  struct Change {
    std::atomic<std::uint64_t> first_and_record;  // see first_and_record()
    std::atomic<std::uint64_t> before;
  };

  std::atomic<std::uint32_t> team_rank;  // of the one who writes it, plus one
  // That have begun, as of the last wait that has slept, or of the end of what makes them.
  std::atomic<std::uint64_t> calls;
  std::atomic<std::uint64_t> records_written, changes_written;
  std::array<Change, changes_count> changes;  // in turn
  std::array<Record, records_count> records;  // as well
};

// The call that comes next on a rank: its number, from 1 on, and what stands for those before it.
struct NextCall {
  std::uint64_t first = 0, before = 0;
};

// A rank's own, with those of the others.
class ShmCalls {
 public:
  // `place` is where histories lie in the part of each rank of the arena, all zero at first.
  ShmCalls(const ShmArena& arena, int part, int team_rank, std::size_t place);

  // Shows that from now on the call is made. Returns the record's number.
  std::uint64_t announce(const NextCall& next, const CallRecord& call);
  // The same with a record that was shown before; false where it is no longer there.
  [[nodiscard]] bool announce_again(const NextCall& next, std::uint64_t number);

  // The first of the calls that are just like the last one that was told of.
  [[nodiscard]] std::uint64_t last_first() const { return last_first_; }
  [[nodiscard]] std::size_t place() const { return place_; }
  [[nodiscard]] const CallHistory& own() const { return own_; }
  // Shows how many calls have begun.
  void publish(std::uint64_t calls) const { own_.calls.store(calls, std::memory_order_release); }

 private:
  void change(const NextCall& next, std::uint64_t number);

  CallHistory& own_;
  std::size_t place_;
  std::uint64_t last_first_ = 0;
};

// What a history says of call `number`; nothing where it is too long ago, or not to be seen.
[[nodiscard]] std::optional<CallRecord> call_of(const CallHistory& history, std::uint64_t number);

// A rank of the arena and the call in which it is, of the team whose histories lie at `place` of
// every rank's part.
struct CallPosition {
  int part = 0;
  std::size_t place = 0;
  std::uint64_t number = 0;
};

// The first difference between this rank's calls and another one's, as far as both are known to
// have come. Nothing where there is none.
[[nodiscard]] std::optional<std::string> find_difference(const ShmArena& arena,
                                                         const CallPosition& own);

// The first difference to the calls of one rank, which has come to something else as its next
// allocation.
[[nodiscard]] std::optional<std::string> difference_to(const ShmArena& arena,
                                                       const CallPosition& own, int part);

// Arrivals in calls that are not this rank's.
struct UnlikeArrivals {
  std::uint64_t own = 0;     // as one should have been
  std::uint64_t excess = 0;  // of all, over as many of those
  int most = 1;              // so many, or fewer
};
// The difference to the calls of a rank from which they have come.
[[nodiscard]] std::string describe_heard(const ShmArena& arena, const CallPosition& own,
                                         const UnlikeArrivals& heard);

}  // namespace peal
