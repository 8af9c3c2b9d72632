// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pto/pto-inst.hpp>

#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

// What generated PTO programs are written with. All memory is in units of 64 bytes, that is 16
// numbers of 32 bits; an instruction works on `n` units in a row, of which the first is given.
namespace words {

using peal::kernel_side::here;
using peal::pto_abi::Place;

constexpr int unit = 16;      // numbers
constexpr int max_units = 4;  // of one instruction
constexpr int max_ranks = 4;

struct Memory {
  explicit Memory(int64_t* args)
      : input(numbers(args[0])),
        output(numbers(args[1])),
        cells(numbers(args[3])),
        program(static_cast<int>(args[4])),
        data_context(reinterpret_cast<CommContext*>(args[5])),
        cell_context(reinterpret_cast<CommContext*>(args[6])),
        me(static_cast<int>(data_context->rankId)),
        ranks(static_cast<int>(data_context->rankNum)) {}

  int32_t* in(int first) const { return input + first * unit; }
  int32_t* out(int first) const { return output + first * unit; }
  int32_t* data(int rank, int first) const {
    return reinterpret_cast<int32_t*>(data_context->windowsIn[rank]) + first * unit;
  }
  // The cell at `rank` that only `sender` notifies.
  int32_t* cell(int rank, int channel, int sender) const {
    return reinterpret_cast<int32_t*>(cell_context->windowsIn[rank]) +
           (channel * max_ranks + sender) * unit;
  }

  static int32_t* numbers(int64_t argument) {
    return reinterpret_cast<int32_t*>(reinterpret_cast<Tensor*>(argument)->buffer.addr);
  }

  int32_t *input, *output, *cells;
  int program;
  CommContext *data_context, *cell_context;
  int me, ranks;
};

using Shape = pto::Shape<1, 1, 1, 1, pto::DYNAMIC>;
using Row = pto::GlobalTensor<int32_t, Shape, pto::Stride<1, 1, 1, 1, 1>>;
using Tile = pto::Tile<pto::TileType::Vec, int32_t, 1, max_units * unit, pto::BLayout::RowMajor, 1,
                       pto::DYNAMIC>;

inline Tile tile(int first, int n = 1) {
  Tile result(n * unit);
  TASSIGN(result, first * unit * static_cast<int>(sizeof(int32_t)));
  return result;
}

inline void load(int to, int32_t* from, int n, Place place = here()) {
  Tile loaded = tile(to, n);
  Row row(from, Shape(n * unit));
  TLOAD(loaded, row, place);
}
inline void store(int32_t* to, int from, int n, Place place = here()) {
  Tile stored = tile(from, n);
  Row row(to, Shape(n * unit));
  TSTORE(row, stored, place);
}
inline void store_add(int32_t* to, int from, int n, Place place = here()) {
  Tile stored = tile(from, n);
  Row row(to, Shape(n * unit));
  TSTORE<Tile, Row, pto::AtomicType::AtomicAdd>(row, stored, place);
}

inline void add(int to, int a, int b, int n, Place place = here()) {
  Tile sum = tile(to, n), left = tile(a, n), right = tile(b, n);
  TADD(sum, left, right, place);
}
inline void most(int to, int a, int b, int n, Place place = here()) {
  Tile larger = tile(to, n), left = tile(a, n), right = tile(b, n);
  TMAX(larger, left, right, place);
}
inline void plus(int to, int from, int32_t value, int n, Place place = here()) {
  Tile sum = tile(to, n), source = tile(from, n);
  TADDS(sum, source, value, place);
}
inline void times(int to, int from, int32_t value, int n, Place place = here()) {
  Tile product = tile(to, n), source = tile(from, n);
  TMULS(product, source, value, place);
}
inline void fill(int to, int32_t value, int n, Place place = here()) {
  Tile filled = tile(to, n);
  TEXPANDS(filled, value, place);
}
inline void move(int to, int from, int n, Place place = here()) {
  Tile copy = tile(to, n), source = tile(from, n);
  TMOV(copy, source, place);
}

inline void notify(int32_t* cell, Place place = here()) {
  pto::comm::Signal signal(cell);
  pto::comm::TNOTIFY(signal, 1, pto::comm::NotifyOp::AtomicAdd, place);
}
inline void wait(int32_t* cell, int value, Place place = here()) {
  pto::comm::Signal signal(cell);
  pto::comm::TWAIT(signal, value, pto::comm::WaitCmp::GE, place);
}

}  // namespace words
