// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "peal/base/api.h"

namespace PEAL_API peal {

// How elements are combined. For min and max, NaN propagates and -0 is less than +0; integer sums
// and products wrap modulo 2^bits.
enum class ReduceOp : std::uint8_t { sum, prod, min, max };

inline constexpr ReduceOp all_reduce_ops[] = {ReduceOp::sum, ReduceOp::prod, ReduceOp::min,
                                              ReduceOp::max};

[[nodiscard]] const char* name(ReduceOp op);

// The operation of that name; throws Error with the list of names.
[[nodiscard]] ReduceOp parse_reduce_op(std::string_view text);

}  // namespace peal
