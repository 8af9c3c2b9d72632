// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pto/pto-inst.hpp>

#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

// What the collectives of this folder share: where a peer's memory is, moving and adding vectors of
// floats of any length through tiles, and a barrier.
namespace collective {

constexpr int tile_columns = 1024;
constexpr int tile_bytes = tile_columns * 4;
constexpr int line_signals = 16;  // of 4 bytes, in a cache line

using RowShape = pto::Shape<1, 1, 1, 1, pto::DYNAMIC>;
using RowStride = pto::Stride<1, 1, 1, 1, 1>;
template <class T>
using RowOf = pto::GlobalTensor<T, RowShape, RowStride, pto::Layout::ND>;
template <class T>
using RowTileOf =
    pto::Tile<pto::TileType::Vec, T, 1, tile_columns, pto::BLayout::RowMajor, 1, pto::DYNAMIC>;
using Row = RowOf<float>;
using RowTile = RowTileOf<float>;

template <class T>
AICORE inline __gm__ T* elements_of(int64_t argument) {
  __gm__ Tensor* tensor = reinterpret_cast<__gm__ Tensor*>(argument);
  return reinterpret_cast<__gm__ T*>(tensor->buffer.addr) + tensor->start_offset;
}

AICORE inline __gm__ float* floats_of(int64_t argument) { return elements_of<float>(argument); }

AICORE inline int rounded_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// The ranks that share a window. All have it laid out alike, so what this rank finds at an address
// in its own window, a peer has at the same offset in the peer's.
class Team {
 public:
  AICORE explicit Team(int64_t argument)
      : context_(reinterpret_cast<__gm__ CommContext*>(argument)) {}

  AICORE int rank() const { return static_cast<int>(context_->rankId); }
  AICORE int ranks() const { return static_cast<int>(context_->rankNum); }

  template <class T>
  AICORE __gm__ T* of_peer(int peer, __gm__ T* own) const {
    const uint64_t offset = reinterpret_cast<uint64_t>(own) - context_->windowsIn[rank()];
    return reinterpret_cast<__gm__ T*>(context_->windowsIn[peer] + offset);
  }

 private:
  __gm__ CommContext* context_;
};

// dst[i] = src[i], both in this rank's memory. A store waits for its load, and the next load waits
// for the store, because they go through one tile.
AICORE inline void copy(__gm__ float* dst, __gm__ float* src, int count) {
  for (int first = 0; first < count; first += tile_columns) {
    const int columns = count - first < tile_columns ? count - first : tile_columns;
    RowTile tile(columns);
    TASSIGN(tile, 0);
    Row from(src + first, RowShape(columns)), to(dst + first, RowShape(columns));
    TLOAD(tile, from);
    set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);
    wait_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);
    TSTORE(to, tile);
    set_flag(PIPE_MTE3, PIPE_MTE2, EVENT_ID0);
    wait_flag(PIPE_MTE3, PIPE_MTE2, EVENT_ID0);
  }
}

// The same from a peer's memory.
AICORE inline void get(__gm__ float* dst, __gm__ float* src, int count) {
  RowTile staging(count < tile_columns ? count : tile_columns);
  TASSIGN(staging, 0);
  Row from(src, RowShape(count)), to(dst, RowShape(count));
  pto::comm::TGET(to, from, staging);
}

// The same to a peer's memory, of any elements.
template <class T>
AICORE inline void put(__gm__ T* dst, __gm__ T* src, int count) {
  RowTileOf<T> staging(count < tile_columns ? count : tile_columns);
  TASSIGN(staging, 0);
  RowOf<T> from(src, RowShape(count)), to(dst, RowShape(count));
  pto::comm::TPUT(to, from, staging);
}

// dst[i] = the sum of source_of(k)[i] over k below `sources`, added in that order.
template <class SourceOf>
AICORE inline void add(__gm__ float* dst, int sources, SourceOf source_of, int count) {
  for (int first = 0; first < count; first += tile_columns) {
    const int columns = count - first < tile_columns ? count - first : tile_columns;
    RowTile sum(columns), term(columns);
    TASSIGN(sum, 0);
    TASSIGN(term, tile_bytes);
    for (int k = 0; k < sources; ++k) {
      Row from(source_of(k) + first, RowShape(columns));
      TLOAD(k == 0 ? sum : term, from);
      set_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
      wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
      if (k > 0) TADD(sum, sum, term);
      set_flag(PIPE_V, PIPE_MTE2, EVENT_ID0);  // the next load overwrites `term`
      wait_flag(PIPE_V, PIPE_MTE2, EVENT_ID0);
    }
    set_flag(PIPE_V, PIPE_MTE3, EVENT_ID1);
    wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID1);
    Row to(dst + first, RowShape(columns));
    TSTORE(to, sum);
    set_flag(PIPE_MTE3, PIPE_MTE2, EVENT_ID0);
    wait_flag(PIPE_MTE3, PIPE_MTE2, EVENT_ID0);
  }
}

// Adds 1 to the peer's signal, whatever loads and stores of this core are still under way.
AICORE inline void notify_weak(const Team& team, int peer, __gm__ int32_t* own_address) {
  pto::comm::Signal signal(team.of_peer(peer, own_address));
  pto::comm::TNOTIFY(signal, 1, pto::comm::NotifyOp::AtomicAdd);
}

// The same when all that this core has issued is done, its stores so that peers see them.
AICORE inline void notify(const Team& team, int peer, __gm__ int32_t* own_address) {
  pipe_sync();
  notify_weak(team, peer, own_address);
}

AICORE inline void wait(__gm__ int32_t* address, int value) {
  pto::comm::Signal signal(address);
  pto::comm::TWAIT(signal, value, pto::comm::WaitCmp::GE);
}

// Goes on when every rank has come here `times` times, with all it had issued before done: each
// counts its arrivals at every peer, in row[rank] there. Counts only grow, so nobody has to reset
// them between calls.
AICORE inline void barrier(const Team& team, __gm__ int32_t* row, int times) {
  pipe_sync();
  for (int peer = 0; peer < team.ranks(); ++peer) {
    if (peer != team.rank()) notify_weak(team, peer, row + team.rank());
  }
  for (int peer = 0; peer < team.ranks(); ++peer) {
    if (peer != team.rank()) wait(row + peer, times);
  }
}

}  // namespace collective
