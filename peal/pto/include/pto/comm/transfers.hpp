// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pto/comm/comm_types.hpp"
#include "pto/pto-inst.hpp"

// TPUT and TGET: from global memory to global memory through staging tiles.

namespace pto::comm {

namespace detail {

using pto::detail::EventArgument;
using pto::detail::here;
using pto::detail::host;
using pto::detail::Place;

// A tensor of the same elements with sizes known at run time, whose elements are not reordered.
template <class GlobalT>
using AnyGlobal = GlobalTensor<typename GlobalT::RawDType, Shape<>, Stride<>>;

// The whole tensor, as an AnyGlobal.
template <class GlobalT>
AnyGlobal<GlobalT> whole_of(const GlobalT& tensor) {
  const auto size = [&](int i) { return tensor.GetShape(i); };
  const auto stride = [&](int i) { return tensor.GetStride(i); };
  return {tensor.data(), Shape<>(size(0), size(1), size(2), size(3), size(4)),
          Stride<>(stride(0), stride(1), stride(2), stride(3), stride(4))};
}

// The part of a tensor that starts at index `at` and has rows x cols elements.
template <class GlobalT>
AnyGlobal<GlobalT> part_of(const GlobalT& tensor, const std::int64_t (&at)[5], std::int64_t rows,
                           std::int64_t cols) {
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
  } else if (atomic != AtomicType::AtomicNone) {
    host->fail("TPUT with a value that is no AtomicType; use AtomicNone or AtomicAdd", place);
  } else {
    pto::detail::store_tile<AtomicType::AtomicNone>(dst, tile, place);
  }
  set_flag(PIPE_MTE3, PIPE_MTE2, id, place);
}

// Copies src to dst through one tile, or two that alternate. What fits into a tile is one load and
// store; all else is cut into tiles over the last two dimensions, for each of the outer ones.
template <class DstG, class SrcG, class TileT>
void transfer(DstG& dst, SrcG& src, TileT* const (&tiles)[2], int tile_count, AtomicType atomic,
              Place place) {
  const std::int64_t d[] = {src.GetShape(0), src.GetShape(1), src.GetShape(2), src.GetShape(3),
                            src.GetShape(4)};
  for (std::int64_t size : d) {
    if (size <= 0) return;
  }
  TileT& first = *tiles[0];
  const std::int64_t max_rows = first.GetValidRow(), max_cols = first.GetValidCol();
  if (d[0] * d[1] * d[2] * d[3] <= max_rows && d[4] <= max_cols) {
    auto to = whole_of(dst), from = whole_of(src);
    move_through(to, from, first, 0, atomic, place);
    wait_flag(PIPE_MTE3, PIPE_MTE2, 0, place);
    return;
  }
  if ((TileT::ValidRow != DYNAMIC && d[3] % max_rows != 0) ||
      (TileT::ValidCol != DYNAMIC && d[4] % max_cols != 0)) {
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
        for (std::int64_t row = 0; row < d[3]; row += max_rows)
          for (std::int64_t col = 0; col < d[4]; col += max_cols) {
            const std::int64_t at[5] = {i0, i1, i2, row, col};
            const std::int64_t rows = d[3] - row < max_rows ? d[3] - row : max_rows;
            const std::int64_t cols = d[4] - col < max_cols ? d[4] - col : max_cols;
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
template <AtomicType atomic = AtomicType::AtomicNone, class DstG, class SrcG, class TileT,
          class... Rest>
RecordEvent TPUT(DstG& dst, SrcG& src, TileT& staging, detail::EventArgument event, Rest&&...) {
  return TPUT<atomic>(dst, src, staging, event.place);
}
template <AtomicType atomic = AtomicType::AtomicNone, class DstG, class SrcG, class TileT>
requires pto::detail::is_tile<TileT> RecordEvent TPUT(DstG& dst, SrcG& src, TileT& ping,
                                                      TileT& pong,
                                                      detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&ping, &pong}, 2, atomic, place);
  return {};
}
template <AtomicType atomic = AtomicType::AtomicNone, class DstG, class SrcG, class TileT,
          class... Rest>
requires pto::detail::is_tile<TileT> RecordEvent TPUT(DstG& dst, SrcG& src, TileT& ping,
                                                      TileT& pong, detail::EventArgument event,
                                                      Rest&&...) {
  return TPUT<atomic>(dst, src, ping, pong, event.place);
}
template <class DstG, class SrcG, class TileT>
RecordEvent TPUT(DstG& dst, SrcG& src, TileT& staging, AtomicType atomic,
                 detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&staging, &staging}, 1, atomic, place);
  return {};
}
template <class DstG, class SrcG, class TileT, class... Rest>
RecordEvent TPUT(DstG& dst, SrcG& src, TileT& staging, AtomicType atomic,
                 detail::EventArgument event, Rest&&...) {
  return TPUT(dst, src, staging, atomic, event.place);
}
template <class DstG, class SrcG, class TileT>
requires pto::detail::is_tile<TileT> RecordEvent TPUT(DstG& dst, SrcG& src, TileT& ping,
                                                      TileT& pong, AtomicType atomic,
                                                      detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&ping, &pong}, 2, atomic, place);
  return {};
}

template <class DstG, class SrcG, class TileT>
RecordEvent TGET(DstG& dst, SrcG& src, TileT& staging, detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&staging, &staging}, 1, AtomicType::AtomicNone, place);
  return {};
}
template <class DstG, class SrcG, class TileT, class... Rest>
RecordEvent TGET(DstG& dst, SrcG& src, TileT& staging, detail::EventArgument event, Rest&&...) {
  return TGET(dst, src, staging, event.place);
}
template <class DstG, class SrcG, class TileT>
requires pto::detail::is_tile<TileT> RecordEvent TGET(DstG& dst, SrcG& src, TileT& ping,
                                                      TileT& pong,
                                                      detail::Place place = detail::here()) {
  detail::transfer(dst, src, {&ping, &pong}, 2, AtomicType::AtomicNone, place);
  return {};
}
template <class DstG, class SrcG, class TileT, class... Rest>
requires pto::detail::is_tile<TileT> RecordEvent TGET(DstG& dst, SrcG& src, TileT& ping,
                                                      TileT& pong, detail::EventArgument event,
                                                      Rest&&...) {
  return TGET(dst, src, ping, pong, event.place);
}

}  // namespace pto::comm
