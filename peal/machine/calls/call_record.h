// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "peal/base/api.h"
#include "peal/base/source_place.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace PEAL_API peal {

// Folder calls/: collective calls as data, and how ranks that make different calls are detected.
// This file has the record of a call and the stamps; verb_error.h has errors of single verbs.

// A collective call of one rank, in a form that processes can share. All ranks of a team must make
// the same call: all members but the source place and `is_in_place` must be equal.
struct CallRecord {
  static constexpr std::size_t max_name = 24, max_file = 88;
  static constexpr std::int32_t no_root = -1;

  std::uint64_t count = 0;  // elements of a block
  std::int32_t root = no_root;
  std::uint32_t line = 0;  // of the caller, in `file`
  DType dtype{};
  ReduceOp op{};
  bool is_in_place = false;
  bool is_chosen = false;  // true: `algorithm` is final; false: it is what the caller asked for
  char unused[4] = {};
  char collective[max_name] = {};
  char algorithm[max_name] = {};
  char file[max_file] = {};  // the end of the path, if it does not fit
};
static_assert(std::is_trivially_copyable_v<CallRecord> && sizeof(CallRecord) == 160);

// Sets the names, cut to what fits.
void set_names(CallRecord& call, std::string_view collective, std::string_view algorithm);
void set_place(CallRecord& call, SourcePlace place);

// Stamped arrivals: how real ranks (executors/shm) that make different calls are detected, without
// extra messages. Simulated ranks compare the announced records instead.
//   1. Each call has a stamp, a 24-bit hash of its record (stamp_of).
//   2. Each rank keeps a history, a 24-bit hash of the stamps of all its calls on the team in their
//      order (history_after). Both hashes are in the upper 24 bits of 64-bit numbers.
//   3. A notify in a call adds 1 + history to the peer's 64-bit counter (arrival_in). So the lower
//      40 bits of the counter count arrivals, and the upper 24 bits sum the notifiers' histories.
//   4. A rank that waits for n arrivals expects the counter to grow by n * (1 + its own history):
//      other upper bits with the right lower bits mean that some notifier's history is another one.
// A difference is so detected at the next message between the two ranks, even in a later call. It
// goes unnoticed with a probability of 2^-24.
inline constexpr int stamp_shift = 40;

// The stamp of a call: a hash of all that must be equal on all ranks. The lower stamp_shift bits
// are 0.
[[nodiscard]] std::uint64_t stamp_of(const CallRecord& call);

// The history after one more call with this stamp, or after `times` such calls. The first history
// is 0. The lower stamp_shift bits stay 0. The factor is odd, so the step is a bijection, and the
// result depends on the order of the calls.
[[nodiscard]] constexpr std::uint64_t history_after(std::uint64_t history, std::uint64_t stamp) {
  constexpr std::uint64_t odd = 0x6acd2b35;  // fits the immediate operand of an instruction
  return (history + stamp) * odd;
}
[[nodiscard]] std::uint64_t history_after(std::uint64_t history, std::uint64_t stamp,
                                          std::uint64_t times);

// What one notify adds to a counter: outside of calls, and in the last call of a history.
inline constexpr std::uint64_t unstamped_arrival = 1;
[[nodiscard]] constexpr std::uint64_t arrival_in(std::uint64_t history) {
  return history + unstamped_arrival;
}

// A call and the rank that makes it.
struct CallOfRank {
  int rank = 0;
  CallRecord call;
};

// Returns, for example, "all_reduce (a.cpp:12)".
[[nodiscard]] std::string describe(const CallRecord& call);

// True if the two cannot be the same call of a team. Algorithms are compared only if both are
// chosen.
[[nodiscard]] bool differ(const CallRecord& a, const CallRecord& b);

// A sentence about what differs between two ranks' calls, with both ranks, values and source
// places.
[[nodiscard]] std::string describe_difference(const CallOfRank& one, const CallOfRank& other);

}  // namespace peal
