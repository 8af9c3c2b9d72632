// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace peal {

// How elements are combined. NaN propagates in min and max, where -0 is less than +0; integers wrap
// as their type does.
enum class ReduceOp : std::uint8_t { sum, prod, min, max };

inline constexpr ReduceOp all_reduce_ops[] = {ReduceOp::sum, ReduceOp::prod, ReduceOp::min,
                                              ReduceOp::max};

[[nodiscard]] const char* name(ReduceOp op);

// The operation of that name; throws Error with the list of names.
[[nodiscard]] ReduceOp parse_reduce_op(std::string_view text);

}  // namespace peal
