// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pto/pto-inst.hpp>

#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

// What the programs of this folder are written with. All have the same arguments: an input and an
// output of `length` floats, a window of floats, a window of signals, whether this is the repaired
// twin, the number of the call, and the windows' contexts.
namespace program {

using peal::kernel_side::here;
using peal::pto_abi::Place;
using pto::comm::NotifyOp;
using pto::comm::WaitCmp;

constexpr int length = 64;
constexpr int line = 16;  // floats or signals of 64 bytes

// A rank's own part of a window and where the other ranks' parts are.
template <class T>
struct Window {
  T* own;
  CommContext* context;

  T* of(int rank) const { return reinterpret_cast<T*>(context->windowsIn[rank]); }
};

template <class T>
T* elements(int64_t argument) {
  return reinterpret_cast<T*>(reinterpret_cast<Tensor*>(argument)->buffer.addr);
}

struct Program {
  explicit Program(int64_t* args)
      : in(elements<float>(args[0])),
        out(elements<float>(args[1])),
        data{elements<float>(args[2]), reinterpret_cast<CommContext*>(args[6])},
        signals{elements<int32_t>(args[3]), reinterpret_cast<CommContext*>(args[7])},
        repaired(args[4] != 0),
        call(static_cast<int>(args[5])),
        me(static_cast<int>(data.context->rankId)),
        ranks(static_cast<int>(data.context->rankNum)),
        next((me + 1) % ranks),
        previous((me + ranks - 1) % ranks) {}

  float *in, *out;
  Window<float> data;
  Window<int32_t> signals;
  bool repaired;
  int call, me, ranks, next, previous;
};

using Shape = pto::Shape<1, 1, 1, 1, pto::DYNAMIC>;
using Row = pto::GlobalTensor<float, Shape, pto::Stride<1, 1, 1, 1, 1>>;
using Tile =
    pto::Tile<pto::TileType::Vec, float, 1, 2 * length, pto::BLayout::RowMajor, 1, pto::DYNAMIC>;

inline Tile tile(int number, int count) {
  Tile result(count);
  TASSIGN(result, number * static_cast<int>(Tile::size_bytes));
  return result;
}

// Between global memory, anyone's, and a tile by its number.
inline void load(int number, float* from, int count = length, Place place = here()) {
  Tile to = tile(number, count);
  Row row(from, Shape(count));
  TLOAD(to, row, place);
}
inline void store(float* to, int number, int count = length, Place place = here()) {
  Tile from = tile(number, count);
  Row row(to, Shape(count));
  TSTORE(row, from, place);
}
// Tile `to` becomes the sum of the two others.
inline void add(int to, int a, int b, int count = length, Place place = here()) {
  Tile sum = tile(to, count), left = tile(a, count), right = tile(b, count);
  TADD(sum, left, right, place);
}

// Tile `to` becomes a copy, by the vector unit.
inline void move(int to, int from, int count = length, Place place = here()) {
  Tile copy = tile(to, count), source = tile(from, count);
  TMOV(copy, source, place);
}

// What is issued to `to` from now on waits for what has been issued to `from`.
inline void order(pipe_t from, pipe_t to, int id = 0, Place place = here()) {
  set_flag(from, to, id, place);
  wait_flag(from, to, id, place);
}

// Copies in global memory, through tile 0; returns with the last store in flight.
inline void put(float* to, float* from, int count = length, Place place = here()) {
  load(0, from, count, place);
  order(PIPE_MTE2, PIPE_MTE3, 0, place);
  store(to, 0, count, place);
  order(PIPE_MTE3, PIPE_MTE2, 0, place);
}
inline void get(float* to, float* from, int count = length, Place place = here()) {
  put(to, from, count, place);
}
inline void drain(Place place = here()) { pipe_sync(place); }

inline void notify(int32_t* cell, int value = 1, Place place = here()) {
  pto::comm::Signal signal(cell);
  pto::comm::TNOTIFY(signal, value, NotifyOp::AtomicAdd, place);
}
inline void set(int32_t* cell, int value, Place place = here()) {
  pto::comm::Signal signal(cell);
  pto::comm::TNOTIFY(signal, value, NotifyOp::Set, place);
}
inline void wait(int32_t* cell, int value, WaitCmp cmp = WaitCmp::GE, Place place = here()) {
  pto::comm::Signal signal(cell);
  pto::comm::TWAIT(signal, value, cmp, place);
}

}  // namespace program
