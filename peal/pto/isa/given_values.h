// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/chip/tile_operation.h"
#include "peal/machine/signal.h"
#include "peal/pto/isa/abi.h"
#include "peal/run/pipe.h"

namespace peal {

// These validate an enumeration's value that a kernel has passed as a number. A number that is no
// enumerator ends the run with a mistake at the kernel's line. `what` is the instruction's name.
[[nodiscard]] Pipe given_pipe(std::int32_t pipe, const char* what, pto_abi::Place place);
// The same for one of the two pipes that a flag synchronises: refuses PIPE_ALL, too.
[[nodiscard]] Pipe given_flag_pipe(std::int32_t pipe, const char* what, pto_abi::Place place);
void check_flag_id(std::int32_t id, pto_abi::Place place);
[[nodiscard]] WaitCmp given_comparison(std::int32_t cmp, const char* what, pto_abi::Place place);
[[nodiscard]] NotifyOp given_notify_op(std::int32_t op, pto_abi::Place place);
[[nodiscard]] RoundMode given_round_mode(std::int32_t mode, pto_abi::Place place);
// The second argument of dcci: true for ENTIRE_DATA_CACHE, false for SINGLE_CACHE_LINE.
[[nodiscard]] bool means_whole_cache(std::int32_t lines, pto_abi::Place place);

}  // namespace peal
