// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "peal/base/source_place.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace peal {

// A collective call as one rank makes it, in a form that processes can show each other. All ranks
// of a team make the same call: the same in everything but the place and whether it is in place.
struct CallRecord {
  static constexpr std::size_t max_name = 24, max_file = 88;
  static constexpr std::int32_t no_root = -1;

  std::uint64_t count = 0;  // elements of a block
  std::int32_t root = no_root;
  std::uint32_t line = 0;  // of the caller's
  DType dtype{};
  ReduceOp op{};
  bool is_in_place = false;
  bool is_chosen = false;  // the algorithm; else it is what was asked for
  char unused[4] = {};
  char collective[max_name] = {};
  char algorithm[max_name] = {};
  char file[max_file] = {};  // the end of its path, where it does not fit
};
static_assert(std::is_trivially_copyable_v<CallRecord> && sizeof(CallRecord) == 160);

// Keeps as much of the names as fits.
void set_names(CallRecord& call, std::string_view collective, std::string_view algorithm);
void set_place(CallRecord& call, SourcePlace place);

// Arrivals of signals are counted in the lower bits of 64. The upper ones are a sum: for each
// arrival, of what all calls were up to the one in which it was notified. So a rank that has made
// another call than this one is found out when the two hear from each other next, be that in a
// later call. Two ranks with unlike calls agree in those bits once in 2^24 times.
inline constexpr int stamp_shift = 40;

// A number in the upper bits alone that calls which are the same have in common.
[[nodiscard]] std::uint64_t stamp_of(const CallRecord& call);

// What stands for all calls of a rank on a team, in their order, also in the upper bits alone: 0,
// and then after one more call with that stamp, or after so many like it.
[[nodiscard]] constexpr std::uint64_t history_after(std::uint64_t history, std::uint64_t stamp) {
  constexpr std::uint64_t odd = 0x6acd2b35;  // a factor that fits an instruction
  return (history + stamp) * odd;
}
[[nodiscard]] std::uint64_t history_after(std::uint64_t history, std::uint64_t stamp,
                                          std::uint64_t times);

// One arrival that belongs to no call, and one in the last call of a history.
inline constexpr std::uint64_t unstamped_arrival = 1;
[[nodiscard]] constexpr std::uint64_t arrival_in(std::uint64_t history) {
  return history + unstamped_arrival;
}

// A rank's call.
struct CallOfRank {
  int rank = 0;
  CallRecord call;
};

// "all_reduce (a.cpp:12)".
[[nodiscard]] std::string describe(const CallRecord& call);

// Whether these are not one call of a team. An algorithm that is not chosen yet differs from none.
[[nodiscard]] bool differ(const CallRecord& a, const CallRecord& b);

// What differs between two ranks' calls, as a sentence that names both, their values and places.
[[nodiscard]] std::string describe_difference(const CallOfRank& one, const CallOfRank& other);

}  // namespace peal
