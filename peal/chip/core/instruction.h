// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/run/pipe.h"

namespace peal {

enum class Opcode : std::uint8_t {
  load,       // dst on-chip <- src in global memory
  store,      // dst in global memory <- src on-chip
  combine,    // on-chip: dst = src op other
  convert,    // on-chip: dst <- src of another type
  set_flag,   // to `flag_pipe`
  wait_flag,  // from `flag_pipe`
  tile,       // a TileOperation; `count` is where Pipes keeps it
  barrier,    // orders later instructions of the same pipe after earlier ones
};

// An instruction in a pipe's queue. The order of its members keeps it within one cache line.
struct Instruction {
  Picoseconds issued = 0;
  std::byte* dst = nullptr;
  const std::byte* src = nullptr;
  const std::byte* other = nullptr;
  const char* file = "";
  std::uint32_t line = 0;
  std::uint32_t count = 0;  // elements
  Opcode opcode{};
  DType dtype{};         // of the elements; of the destination for convert
  DType source_dtype{};  // convert only
  ReduceOp op{};         // combine, and store where `atomic`
  bool atomic = false;   // store: combine into the destination, atomically per element
  std::uint8_t flag_pipe = 0;
  std::uint8_t flag_id = 0;
  SourceOrigin origin{};           // of `file` and `line`
  std::uint32_t issued_after = 0;  // Event::issued: ordering events of the core before its issue
  std::uint32_t number = 0;        // in program order; for readers of events

  [[nodiscard]] SourcePlace place() const { return {file, line, origin}; }
};
static_assert(sizeof(Instruction) <= 64);

}  // namespace peal
