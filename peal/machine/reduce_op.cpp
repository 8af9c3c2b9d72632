// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/reduce_op.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

const char* name(ReduceOp op) {
  static constexpr const char* names[] = {"sum", "prod", "min", "max"};
  return names[static_cast<std::size_t>(op)];
}

ReduceOp parse_reduce_op(std::string_view text) {
  for (ReduceOp op : all_reduce_ops) {
    if (text == name(op)) return op;
  }
  throw UsageError(fmt::format("operation `{}` is unknown; use one of sum, prod, min, max", text));
}

}  // namespace peal
