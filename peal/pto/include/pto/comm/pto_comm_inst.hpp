// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pto/comm/comm_types.hpp"
#include "pto/comm/pto_async_inst.hpp"
#include "pto/pto-inst.hpp"

namespace pto::comm {

namespace detail {

using pto::detail::here;
using pto::detail::host;
using pto::detail::Place;

template <class T>
struct RebindGlobal;
template <class T, class ShapeT, class StrideT, Layout layout>
struct RebindGlobal<GlobalTensor<T, ShapeT, StrideT, layout>> {
  using type = GlobalTensor<T, Shape<>, Stride<>, layout>;
};

// A part of a tensor with other sizes for its last two dimensions.
template <class GlobalT>
typename RebindGlobal<GlobalT>::type part_of(const GlobalT& tensor, const std::int64_t (&at)[5],
                                             std::int64_t rows, std::int64_t cols) {
  std::int64_t offset = 0;
  for (int i = 0; i < 5; ++i) offset += at[i] * tensor.GetStride(i);
  return {tensor.data() + offset, Shape<>(1, 1, 1, rows, cols),
          Stride<>(tensor.GetStride(0), tensor.GetStride(1), tensor.GetStride(2),
                   tensor.GetStride(3), tensor.GetStride(4))};
}

template <class TileT>
void move_through(auto& dst, auto& src, TileT& tile, int id, AtomicType atomic, Place place) {
  TLOAD(tile, src, place);
  set_flag(PIPE_MTE2, PIPE_MTE3, id, place);
  wait_flag(PIPE_MTE2, PIPE_MTE3, id, place);
  if (atomic == AtomicType::AtomicAdd) {
    if constexpr (pto::detail::takes_atomic_add<
                      typename std::remove_reference_t<decltype(dst)>::RawDType>()) {
      pto::detail::store_tile<AtomicType::AtomicAdd>(dst, tile, place);
    } else {
      host->fail(
          "TPUT: this element type has no atomic add; use float, half, bfloat16_t, int32_t, "
          "int16_t or int8_t",
          place);
    }
  } else {
    pto::detail::store_tile<AtomicType::AtomicNone>(dst, tile, place);
  }
  set_flag(PIPE_MTE3, PIPE_MTE2, id, place);
}

// Copies src to dst through one tile, or two in turn. What fits is one load and store; otherwise a
// window slides over the last two dimensions, for each of the outer ones.
template <class DstG, class SrcG, class TileT>
void transfer(DstG& dst, SrcG& src, TileT* const (&tiles)[2], int tile_count, AtomicType atomic,
              Place place) {
  const std::int64_t d[] = {src.GetShape(0), src.GetShape(1), src.GetShape(2), src.GetShape(3),
                            src.GetShape(4)};
  for (std::int64_t size : d) {
    if (size <= 0) return;
  }
  TileT& first = *tiles[0];
  const std::int64_t most_rows = first.GetValidRow(), most_cols = first.GetValidCol();
  if (d[0] * d[1] * d[2] * d[3] <= most_rows && d[4] <= most_cols) {
    move_through(dst, src, first, 0, atomic, place);
    wait_flag(PIPE_MTE3, PIPE_MTE2, 0, place);
    return;
  }
  if ((TileT::ValidRow != DYNAMIC && d[3] % most_rows != 0) ||
      (TileT::ValidCol != DYNAMIC && d[4] % most_cols != 0)) {
    host->fail(
        "TPUT or TGET: the last two dimensions are no multiples of the staging tile's valid "
        "sizes; give it DYNAMIC ones",
        place);
  }
  bool pending[2] = {false, false};
  int turn = 0;
  for (std::int64_t i0 = 0; i0 < d[0]; ++i0)
    for (std::int64_t i1 = 0; i1 < d[1]; ++i1)
      for (std::int64_t i2 = 0; i2 < d[2]; ++i2)
        for (std::int64_t row = 0; row < d[3]; row += most_rows)
          for (std::int64_t col = 0; col < d[4]; col += most_cols) {
            const std::int64_t at[5] = {i0, i1, i2, row, col};
            const std::int64_t rows = d[3] - row < most_rows ? d[3] - row : most_rows;
            const std::int64_t cols = d[4] - col < most_cols ? d[4] - col : most_cols;
            TileT& tile = *tiles[turn];
            if constexpr (TileT::ValidRow == DYNAMIC) tile.SetValidRow(int(rows));
            if constexpr (TileT::ValidCol == DYNAMIC) tile.SetValidCol(int(cols));
            auto to = part_of(dst, at, rows, cols);
            auto from = part_of(src, at, rows, cols);
            if (pending[turn]) wait_flag(PIPE_MTE3, PIPE_MTE2, turn, place);
            move_through(to, from, tile, turn, atomic, place);
            pending[turn] = true;
            turn = (turn + 1) % tile_count;
          }
  for (int i = 0; i < 2; ++i) {
    if (pending[i]) wait_flag(PIPE_MTE3, PIPE_MTE2, i, place);
  }
}

}  // namespace detail

template <AtomicType atomic = AtomicType::AtomicNone, class DstG, class SrcG, class TileT>
RecordEvent TPUT(DstG& dst, SrcG& src, TileT& staging, detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&staging, &staging}, 1, atomic, place);
  return {};
}
template <AtomicType atomic = AtomicType::AtomicNone, class DstG, class SrcG, class TileT>
requires pto::detail::is_tile<TileT> RecordEvent TPUT(DstG& dst, SrcG& src, TileT& ping,
                                                      TileT& pong,
                                                      detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&ping, &pong}, 2, atomic, place);
  return {};
}
template <class DstG, class SrcG, class TileT>
RecordEvent TPUT(DstG& dst, SrcG& src, TileT& staging, AtomicType atomic,
                 detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&staging, &staging}, 1, atomic, place);
  return {};
}
template <class DstG, class SrcG, class TileT>
RecordEvent TGET(DstG& dst, SrcG& src, TileT& staging, detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&staging, &staging}, 1, AtomicType::AtomicNone, place);
  return {};
}
template <class DstG, class SrcG, class TileT>
requires pto::detail::is_tile<TileT> RecordEvent TGET(DstG& dst, SrcG& src, TileT& ping,
                                                      TileT& pong,
                                                      detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&ping, &pong}, 2, AtomicType::AtomicNone, place);
  return {};
}

inline void TNOTIFY(Signal& signal, std::int32_t value, NotifyOp op,
                    detail::Place place = detail::here()) {
  detail::host->notify(signal.data(), value, op == NotifyOp::Set ? 1 : 0, place);
}
inline void TWAIT(Signal& signal, std::int32_t value, WaitCmp cmp,
                  detail::Place place = detail::here()) {
  detail::host->wait(signal.data(), value, static_cast<std::int32_t>(cmp), place);
}
// Spins until every element satisfies the comparison in one sweep.
template <int rows, int cols>
void TWAIT(Signal2D<rows, cols>& signals, std::int32_t value, WaitCmp cmp,
           detail::Place place = detail::here()) {
  for (bool all = false; !all;) {
    all = true;
    for (int row = 0; row < rows; ++row)
      for (int col = 0; col < cols; ++col) {
        std::int32_t* cell = signals.data() + row * signals.stride + col;
        if (detail::host->test(cell, value, static_cast<std::int32_t>(cmp), place) != 0) continue;
        all = false;
        detail::host->wait(cell, value, static_cast<std::int32_t>(cmp), place);
      }
  }
}
inline bool TTEST(Signal& signal, std::int32_t value, WaitCmp cmp,
                  detail::Place place = detail::here()) {
  return detail::host->test(signal.data(), value, static_cast<std::int32_t>(cmp), place) != 0;
}
template <int rows, int cols>
bool TTEST(Signal2D<rows, cols>& signals, std::int32_t value, WaitCmp cmp,
           detail::Place place = detail::here()) {
  for (int row = 0; row < rows; ++row)
    for (int col = 0; col < cols; ++col) {
      std::int32_t* cell = signals.data() + row * signals.stride + col;
      if (detail::host->test(cell, value, static_cast<std::int32_t>(cmp), place) == 0) return false;
    }
  return true;
}

namespace detail {

template <class PG>
void check_root(const PG& group, const char* sentence, Place place) {
  if (host->rank() != group.GetRootIdx()) host->fail(sentence, place);
}

template <class Acc, class Recv>
void combine_into(Acc& acc, Recv& recv, ReduceOp op, Place place) {
  if (op == ReduceOp::Sum) TADD(acc, acc, recv, place);
  if (op == ReduceOp::Max) TMAX(acc, acc, recv, place);
  if (op == ReduceOp::Min) TMIN(acc, acc, recv, place);
}

// Elements of a tensor.
template <class G>
std::int64_t size_of(const G& tensor) {
  std::int64_t size = 1;
  for (int i = 0; i < 5; ++i) size *= tensor.GetShape(i);
  return size;
}

// Part `index` of `whole`, of the shape of `part`, where parts lie one behind the other.
template <class G, class P>
typename RebindGlobal<G>::type consecutive(const G& whole, const P& part, int index) {
  std::int64_t strides[5] = {0, 0, 0, 0, 1};
  for (int i = 3; i >= 0; --i) strides[i] = strides[i + 1] * part.GetShape(i + 1);
  return {whole.data() + index * size_of(part),
          Shape<>(part.GetShape(0), part.GetShape(1), part.GetShape(2), part.GetShape(3),
                  part.GetShape(4)),
          Stride<>(strides[0], strides[1], strides[2], strides[3], strides[4])};
}

// One tile's worth of a reduction: the root's part first, then the other ranks', ascending.
template <class PG, class G, class Tile>
void reduce_tile(PG& group, G& dst, Tile& acc, Tile& recv, ReduceOp op, const std::int64_t (&at)[5],
                 std::int64_t rows, std::int64_t cols, Place place) {
  const int root = group.GetRootIdx();
  auto own = part_of(group[root], at, rows, cols);
  TLOAD(acc, own, place);
  set_flag(PIPE_MTE2, PIPE_V, 0, place);
  wait_flag(PIPE_MTE2, PIPE_V, 0, place);
  for (int rank = 0; rank < group.GetSize(); ++rank) {
    if (rank == root) continue;
    auto from = part_of(group[rank], at, rows, cols);
    TLOAD(recv, from, place);
    set_flag(PIPE_MTE2, PIPE_V, 0, place);
    wait_flag(PIPE_MTE2, PIPE_V, 0, place);
    combine_into(acc, recv, op, place);
    set_flag(PIPE_V, PIPE_MTE2, 0, place);
    wait_flag(PIPE_V, PIPE_MTE2, 0, place);
  }
  set_flag(PIPE_V, PIPE_MTE3, 0, place);
  wait_flag(PIPE_V, PIPE_MTE3, 0, place);
  auto to = part_of(dst, at, rows, cols);
  TSTORE(to, acc, place);
  set_flag(PIPE_MTE3, PIPE_MTE2, 0, place);
  wait_flag(PIPE_MTE3, PIPE_MTE2, 0, place);
}

}  // namespace detail

// Combines all ranks' tensors into the root's dst. Only the root calls; nothing is synchronised.
template <class PG, class G, class Tile>
RecordEvent TREDUCE(PG& group, G& dst, Tile& acc, Tile& recv, ReduceOp op,
                    detail::Place place = detail::here()) {
  detail::check_root(group, "TREDUCE is called by a rank that is not the root", place);
  const auto& shape = group[group.GetRootIdx()];
  const std::int64_t most_rows = acc.GetValidRow(), most_cols = acc.GetValidCol();
  const std::int64_t d3 = shape.GetShape(3), d4 = shape.GetShape(4);
  for (std::int64_t i0 = 0; i0 < shape.GetShape(0); ++i0)
    for (std::int64_t i1 = 0; i1 < shape.GetShape(1); ++i1)
      for (std::int64_t i2 = 0; i2 < shape.GetShape(2); ++i2)
        for (std::int64_t row = 0; row < d3; row += most_rows)
          for (std::int64_t col = 0; col < d4; col += most_cols) {
            const std::int64_t at[5] = {i0, i1, i2, row, col};
            const std::int64_t rows = d3 - row < most_rows ? d3 - row : most_rows;
            const std::int64_t cols = d4 - col < most_cols ? d4 - col : most_cols;
            if ((Tile::ValidRow != DYNAMIC && rows != most_rows) ||
                (Tile::ValidCol != DYNAMIC && cols != most_cols)) {
              detail::host->fail(
                  "TREDUCE: the last two dimensions are no multiples of the tile's valid sizes; "
                  "give it DYNAMIC ones",
                  place);
            }
            for (Tile* tile : {&acc, &recv}) {
              if constexpr (Tile::ValidRow == DYNAMIC) tile->SetValidRow(int(rows));
              if constexpr (Tile::ValidCol == DYNAMIC) tile->SetValidCol(int(cols));
            }
            detail::reduce_tile(group, dst, acc, recv, op, at, rows, cols, place);
          }
  return {};
}
template <class PG, class G, class Tile>
RecordEvent TREDUCE(PG& group, G& dst, Tile& acc, Tile& ping, Tile&, ReduceOp op,
                    detail::Place place = detail::here()) {
  return TREDUCE(group, dst, acc, ping, op, place);
}

// Reads every rank's tensor into dst, one behind the other. Only the root calls.
template <class PG, class G, class Tile>
RecordEvent TGATHER(PG& group, G& dst, Tile& staging, detail::Place place = detail::here()) {
  detail::check_root(group, "TGATHER is called by a rank that is not the root", place);
  for (int rank = 0; rank < group.GetSize(); ++rank) {
    auto to = detail::consecutive(dst, group[rank], rank);
    TGET(to, group[rank], staging, place);
  }
  return {};
}
template <class PG, class G, class Tile>
requires pto::detail::is_tile<Tile> RecordEvent TGATHER(PG& group, G& dst, Tile& ping, Tile& pong,
                                                        detail::Place place = detail::here()) {
  detail::check_root(group, "TGATHER is called by a rank that is not the root", place);
  for (int rank = 0; rank < group.GetSize(); ++rank) {
    auto to = detail::consecutive(dst, group[rank], rank);
    TGET(to, group[rank], ping, pong, place);
  }
  return {};
}

// Writes the parts of src, which lie one behind the other, to every rank's tensor.
template <class PG, class G, class Tile>
RecordEvent TSCATTER(PG& group, G& src, Tile& staging, detail::Place place = detail::here()) {
  detail::check_root(group, "TSCATTER is called by a rank that is not the root", place);
  for (int rank = 0; rank < group.GetSize(); ++rank) {
    auto from = detail::consecutive(src, group[rank], rank);
    TPUT(group[rank], from, staging, place);
  }
  return {};
}
template <class PG, class G, class Tile>
requires pto::detail::is_tile<Tile> RecordEvent TSCATTER(PG& group, G& src, Tile& ping, Tile& pong,
                                                         detail::Place place = detail::here()) {
  detail::check_root(group, "TSCATTER is called by a rank that is not the root", place);
  for (int rank = 0; rank < group.GetSize(); ++rank) {
    auto from = detail::consecutive(src, group[rank], rank);
    TPUT(group[rank], from, ping, pong, place);
  }
  return {};
}

// Writes src to every rank's tensor.
template <class PG, class G, class Tile>
RecordEvent TBROADCAST(PG& group, G& src, Tile& staging, detail::Place place = detail::here()) {
  detail::check_root(group, "TBROADCAST is called by a rank that is not the root", place);
  for (int rank = 0; rank < group.GetSize(); ++rank) TPUT(group[rank], src, staging, place);
  return {};
}
template <class PG, class G, class Tile>
requires pto::detail::is_tile<Tile> RecordEvent TBROADCAST(PG& group, G& src, Tile& ping,
                                                           Tile& pong,
                                                           detail::Place place = detail::here()) {
  detail::check_root(group, "TBROADCAST is called by a rank that is not the root", place);
  for (int rank = 0; rank < group.GetSize(); ++rank) TPUT(group[rank], src, ping, pong, place);
  return {};
}

}  // namespace pto::comm

// Kernels find these unqualified through their arguments' namespaces, which are pto and pto::comm.
namespace pto {
using comm::TGET;
using comm::TPUT;
}  // namespace pto
