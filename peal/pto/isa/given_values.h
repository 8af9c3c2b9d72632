// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/chip/tile_operation.h"
#include "peal/machine/signal.h"
#include "peal/pto/isa/abi.h"
#include "peal/run/pipe.h"

namespace peal {

// What a kernel gives an instruction by number: a value of an enumeration, for which it may have
// cast any number. Each is refused at the kernel's line where it is none; `what` is the
// instruction's name.
[[nodiscard]] Pipe given_pipe(std::int32_t pipe, const char* what, pto_abi::Place place);
// One of the two pipes that a flag is between.
[[nodiscard]] Pipe given_flag_pipe(std::int32_t pipe, const char* what, pto_abi::Place place);
void check_flag_id(std::int32_t id, pto_abi::Place place);
[[nodiscard]] WaitCmp given_comparison(std::int32_t cmp, const char* what, pto_abi::Place place);
[[nodiscard]] NotifyOp given_notify_op(std::int32_t op, pto_abi::Place place);
[[nodiscard]] RoundMode given_round_mode(std::int32_t mode, pto_abi::Place place);
// Of dcci.
[[nodiscard]] bool means_whole_cache(std::int32_t lines, pto_abi::Place place);

}  // namespace peal
