// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pto/comm/comm_types.hpp"
#include "pto/comm/transfers.hpp"
#include "pto/pto-inst.hpp"

// Collectives that the root alone executes: TREDUCE, TGATHER, TSCATTER, TBROADCAST.

namespace pto::comm {

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
  if (op != ReduceOp::Sum && op != ReduceOp::Max && op != ReduceOp::Min) {
    host->fail("TREDUCE with a value that is no ReduceOp; use Sum, Max or Min", place);
  }
}

// The number of elements of a tensor.
template <class G>
std::int64_t size_of(const G& tensor) {
  std::int64_t size = 1;
  for (int i = 0; i < 5; ++i) size *= tensor.GetShape(i);
  return size;
}

// Part `index` of `whole`, which consists of contiguous parts of the shape of `part`.
template <class G, class P>
AnyGlobal<G> consecutive(const G& whole, const P& part, int index) {
  std::int64_t strides[5] = {0, 0, 0, 0, 1};
  for (int i = 3; i >= 0; --i) strides[i] = strides[i + 1] * part.GetShape(i + 1);
  return {whole.data() + index * size_of(part),
          Shape<>(part.GetShape(0), part.GetShape(1), part.GetShape(2), part.GetShape(3),
                  part.GetShape(4)),
          Stride<>(strides[0], strides[1], strides[2], strides[3], strides[4])};
}

// Reduces one tile: the root's part first, then those of the other ranks in ascending order.
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
  const std::int64_t max_rows = acc.GetValidRow(), max_cols = acc.GetValidCol();
  const std::int64_t d3 = shape.GetShape(3), d4 = shape.GetShape(4);
  for (std::int64_t i0 = 0; i0 < shape.GetShape(0); ++i0)
    for (std::int64_t i1 = 0; i1 < shape.GetShape(1); ++i1)
      for (std::int64_t i2 = 0; i2 < shape.GetShape(2); ++i2)
        for (std::int64_t row = 0; row < d3; row += max_rows)
          for (std::int64_t col = 0; col < d4; col += max_cols) {
            const std::int64_t at[5] = {i0, i1, i2, row, col};
            const std::int64_t rows = d3 - row < max_rows ? d3 - row : max_rows;
            const std::int64_t cols = d4 - col < max_cols ? d4 - col : max_cols;
            if ((Tile::ValidRow != DYNAMIC && rows != max_rows) ||
                (Tile::ValidCol != DYNAMIC && cols != max_cols)) {
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

// Reads every rank's tensor into its part of dst; parts are contiguous. Only the root calls.
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

// Writes to every rank's tensor its part of src; parts are contiguous. Only the root calls.
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

// Writes src to every rank's tensor. Only the root calls.
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

// The forms that take events.
#define PEAL_PTO_GROUP_WITH_EVENTS(name)                                                          \
  template <class PG, class G, class Tile, class... Rest>                                         \
  RecordEvent name(PG& group, G& tensor, Tile& staging, detail::EventArgument event, Rest&&...) { \
    return name(group, tensor, staging, event.place);                                             \
  }                                                                                               \
  template <class PG, class G, class Tile, class... Rest>                                         \
  requires pto::detail::is_tile<Tile> RecordEvent name(                                           \
      PG& group, G& tensor, Tile& ping, Tile& pong, detail::EventArgument event, Rest&&...) {     \
    return name(group, tensor, ping, pong, event.place);                                          \
  }
PEAL_PTO_GROUP_WITH_EVENTS(TGATHER)
PEAL_PTO_GROUP_WITH_EVENTS(TSCATTER)
PEAL_PTO_GROUP_WITH_EVENTS(TBROADCAST)
#undef PEAL_PTO_GROUP_WITH_EVENTS

template <class PG, class G, class Tile, class... Rest>
RecordEvent TREDUCE(PG& group, G& dst, Tile& acc, Tile& recv, ReduceOp op,
                    detail::EventArgument event, Rest&&...) {
  return TREDUCE(group, dst, acc, recv, op, event.place);
}
template <class PG, class G, class Tile, class... Rest>
RecordEvent TREDUCE(PG& group, G& dst, Tile& acc, Tile& ping, Tile& pong, ReduceOp op,
                    detail::EventArgument event, Rest&&...) {
  return TREDUCE(group, dst, acc, ping, pong, op, event.place);
}

}  // namespace pto::comm
