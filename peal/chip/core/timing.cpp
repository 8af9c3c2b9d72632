// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/timing.h"

#include "peal/machine/dtype.h"

namespace peal {

Picoseconds Timing::tile(Pipe pipe, const TileOperation& operation) const {
  const TileArea& a = operation.a;
  const auto elements =
      static_cast<std::size_t>(a.valid_rows) * static_cast<std::size_t>(a.valid_cols);
  const std::size_t bytes = elements * size_bytes(a.dtype);
  if (pipe == Pipe::vector) {
    return operation.opcode == TileOpcode::cvt ? convert(bytes) : combine(bytes);
  }
  if (operation.opcode != TileOpcode::matmul) {
    return platform_.memory.startup_ps +
           static_cast<Picoseconds>(static_cast<double>(bytes) * platform_.cube.move_ps_per_byte);
  }
  const auto up = [](std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit; };
  const std::int64_t element_bytes = static_cast<std::int64_t>(size_bytes(a.dtype));
  return platform_.cycles(6 + up(a.valid_rows, 16) * up(a.valid_cols * element_bytes, 32) *
                                  up(operation.b.valid_cols, 16) * (element_bytes == 4 ? 2 : 1));
}

}  // namespace peal
