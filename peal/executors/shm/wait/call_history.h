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

// The collective calls that one rank has made on a team, for the reports of its peers: it lies in
// the rank's part of the arena, and the rank is its only writer. The calls are run-length encoded:
// a call that equals the one before writes nothing, and `changes` holds the number of the call from
// which on each record applies. Both arrays are rings, so old calls are forgotten.
//
// Readers do not lock. Two invariants make that safe:
//   1. Order: a record is stored (release) before the change that refers to it, and that before the
//      rank's first notify in the call. So a peer that has received that notify finds the call.
//   2. Records are seqlocks: `number` is 0 while the words change, and each use of a slot has a
//      larger number. A reader that finds the same number before and after it has copied the words
//      has copied one record.
// A change that is overwritten while it is read may give a wrong `before`, and so a less precise
// report; nothing else depends on it.
struct CallHistory {
  static constexpr std::size_t records_count = 32, changes_count = 64;
  static constexpr std::size_t record_words = sizeof(CallRecord) / sizeof(std::uint64_t);

  // A CallRecord as atomic words, since peers may read them while they are overwritten.
  struct Record {
    std::atomic<std::uint64_t> number;  // from 1 on; 0 while the words change
    std::array<std::atomic<std::uint64_t>, record_words> words;
  };

  // The first call that a record applies to, with the record's number; and the history_after() of
  // all calls before that one.
  struct Change {
    std::atomic<std::uint64_t> first_and_record;  // see first_and_record()
    std::atomic<std::uint64_t> before;
  };

  std::atomic<std::uint32_t> team_rank;  // of the writer, plus one; 0 before there is one
  // How many calls have begun. Updated when a wait sleeps, and at the end of the rank's program or
  // task: a lower bound in between.
  std::atomic<std::uint64_t> calls;
  std::atomic<std::uint64_t> records_written, changes_written;
  std::array<Change, changes_count> changes;  // a ring
  std::array<Record, records_count> records;  // a ring
};

// The call that comes next on a rank: its number, from 1 on, and the history_after() of all calls
// before it.
struct NextCall {
  std::uint64_t first = 0, before = 0;
};

// The writer's side of a rank's CallHistory.
class ShmCalls {
 public:
  // `place` is the offset of the histories in the part of each member, zeroed memory.
  ShmCalls(const ShmArena& arena, int part, int team_rank, std::size_t place);

  // Publishes that calls from `next` on are `call`. Returns the record's number.
  std::uint64_t announce(const NextCall& next, const CallRecord& call);
  // Publishes the same of a call whose record has this number. Returns false if the record was
  // overwritten since.
  [[nodiscard]] bool announce_again(const NextCall& next, std::uint64_t number);

  // The number of the call that was announced last.
  [[nodiscard]] std::uint64_t last_first() const { return last_first_; }
  [[nodiscard]] std::size_t place() const { return place_; }
  [[nodiscard]] const CallHistory& own() const { return own_; }
  // Publishes how many calls have begun.
  void publish(std::uint64_t calls) const { own_.calls.store(calls, std::memory_order_release); }

 private:
  void change(const NextCall& next, std::uint64_t number);

  CallHistory& own_;
  std::size_t place_;
  std::uint64_t last_first_ = 0;
};

// The record of call `number`; nullopt if the history has forgotten it or has none.
[[nodiscard]] std::optional<CallRecord> call_of(const CallHistory& history, std::uint64_t number);

// A rank, by its part of the arena, and the number of the call that it is in. `place` is the offset
// of the team's histories in every member's part.
struct CallPosition {
  int part = 0;
  std::size_t place = 0;
  std::uint64_t number = 0;
};

// A sentence about the first call in which this rank and another one differ, up to the last call
// that both are known to have begun; nullopt if there is none.
[[nodiscard]] std::optional<std::string> find_difference(const ShmArena& arena,
                                                         const CallPosition& own);

// The same for the rank at `part` alone, whose next allocation was found to be another one than
// this rank's.
[[nodiscard]] std::optional<std::string> difference_to(const ShmArena& arena,
                                                       const CallPosition& own, int part);

// Arrivals of which at least one carries another history than this rank's.
struct UnlikeArrivals {
  std::uint64_t own = 0;     // one arrival with this rank's history
  std::uint64_t excess = 0;  // the sum of all arrivals minus as many times `own`
  int most = 1;              // upper bound of how many arrivals have another history
};
// A sentence about the difference to the calls of the rank that the unlike arrivals come from, as
// far as the histories tell.
[[nodiscard]] std::string describe_heard(const ShmArena& arena, const CallPosition& own,
                                         const UnlikeArrivals& heard);

}  // namespace peal
