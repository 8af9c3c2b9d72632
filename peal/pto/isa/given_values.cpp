// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/isa/given_values.h"

#include <fmt/format.h>

#include <iterator>

#include "peal/chip/core/flags.h"
#include "peal/pto/isa/refusal.h"

namespace peal {

using pto_refusal::refuse;

namespace {

constexpr int named_pipes = 8, round_modes = 7;  // PIPE_S..PIPE_FIX, CAST_NONE..CAST_ODD

// Returns the value if it is in 0..count-1; refuses it otherwise.
std::int32_t one_of(std::int32_t value, int count, const char* what, const char* type,
                    const char* values, pto_abi::Place place) {
  if (value >= 0 && value < count) return value;
  refuse(place,
         fmt::format("{} with the value {}, which is no {}; use {}", what, value, type, values));
}

}  // namespace

Pipe given_pipe(std::int32_t pipe, const char* what, pto_abi::Place place) {
  return static_cast<Pipe>(one_of(pipe, named_pipes, what, "pipe", "PIPE_S to PIPE_FIX", place));
}

Pipe given_flag_pipe(std::int32_t pipe, const char* what, pto_abi::Place place) {
  const Pipe given = given_pipe(pipe, what, place);
  if (given == Pipe::all) {
    refuse(place, fmt::format("{} with PIPE_ALL; a flag is between two pipes, so name each", what));
  }
  return given;
}

void check_flag_id(std::int32_t id, pto_abi::Place place) {
  if (id >= 0 && id < Flags::ids) return;
  refuse(place,
         fmt::format("event id {} is not one of the {} ids 0..{}", id, Flags::ids, Flags::ids - 1));
}

WaitCmp given_comparison(std::int32_t cmp, const char* what, pto_abi::Place place) {
  static constexpr WaitCmp all[] = {WaitCmp::eq, WaitCmp::ne, WaitCmp::gt,
                                    WaitCmp::ge, WaitCmp::lt, WaitCmp::le};
  constexpr int count = static_cast<int>(std::size(all));
  return all[one_of(cmp, count, what, "WaitCmp", "EQ, NE, GT, GE, LT or LE", place)];
}

NotifyOp given_notify_op(std::int32_t op, pto_abi::Place place) {
  return static_cast<NotifyOp>(one_of(op, 2, "TNOTIFY", "NotifyOp", "AtomicAdd or Set", place));
}

RoundMode given_round_mode(std::int32_t mode, pto_abi::Place place) {
  return static_cast<RoundMode>(
      one_of(mode, round_modes, "TCVT", "RoundMode", "CAST_NONE to CAST_ODD", place));
}

bool means_whole_cache(std::int32_t lines, pto_abi::Place place) {
  return one_of(lines, 2, "dcci", "cache_line_t", "SINGLE_CACHE_LINE or ENTIRE_DATA_CACHE",
                place) != 0;
}

}  // namespace peal
