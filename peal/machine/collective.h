// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "peal/base/api.h"

namespace PEAL_API peal {

enum class Collective : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  broadcast,
  reduce,
  gather,
  scatter,
  barrier,
};

// The name of an algorithm that stands for the fastest one.
inline constexpr std::string_view auto_algorithm = "auto";

inline constexpr Collective all_collectives[] = {
    Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter,
    Collective::all_to_all, Collective::broadcast,  Collective::reduce,
    Collective::gather,     Collective::scatter,    Collective::barrier};

// The collectives that have a result: all but the barrier.
inline constexpr Collective collectives_with_results[] = {
    Collective::all_reduce, Collective::reduce_scatter, Collective::reduce,
    Collective::broadcast,  Collective::gather,         Collective::scatter,
    Collective::all_gather, Collective::all_to_all};

[[nodiscard]] const char* name(Collective collective);

// The collective of that name; throws Error with the list of names.
[[nodiscard]] Collective parse_collective(std::string_view text);

// How many blocks of `count` elements a rank sends and receives (as in MPI), and whether the
// collective has a root and an operation.
struct CollectiveShape {
  int send_blocks = 0;
  int recv_blocks = 0;
  bool has_root = false;
  bool has_op = false;
};
[[nodiscard]] constexpr CollectiveShape shape(Collective collective, int ranks) {
  switch (collective) {
    case Collective::all_reduce:
      return {.send_blocks = 1, .recv_blocks = 1, .has_op = true};
    case Collective::all_gather:
      return {.send_blocks = 1, .recv_blocks = ranks};
    case Collective::reduce_scatter:
      return {.send_blocks = ranks, .recv_blocks = 1, .has_op = true};
    case Collective::all_to_all:
      return {.send_blocks = ranks, .recv_blocks = ranks};
    case Collective::broadcast:
      return {.send_blocks = 1, .recv_blocks = 1, .has_root = true};
    case Collective::reduce:
      return {.send_blocks = 1, .recv_blocks = 1, .has_root = true, .has_op = true};
    case Collective::gather:
      return {.send_blocks = 1, .recv_blocks = ranks, .has_root = true};
    case Collective::scatter:
      return {.send_blocks = ranks, .recv_blocks = 1, .has_root = true};
    case Collective::barrier:
      break;
  }
  return {};
}

// Where an element of a result comes from: element `element` of the send buffer of rank `from`; or,
// if `combined`, that element of every rank's send buffer.
struct ElementOrigin {
  bool combined = false;
  int from = 0;
  std::size_t element = 0;
};

// An element of the receive buffer of `rank`: element `offset` of block `block`; blocks have
// `count` elements.
struct ResultElement {
  int rank = 0, root = 0, block = 0;
  std::size_t count = 0, offset = 0;
};
[[nodiscard]] ElementOrigin origin(Collective collective, const ResultElement& of);

// True if the rank has a receive buffer: for reduce and gather, only the root.
[[nodiscard]] constexpr bool receives(Collective collective, int rank, int root) {
  const bool root_only = collective == Collective::reduce || collective == Collective::gather;
  return !root_only || rank == root;
}
// True if the rank has a send buffer: for broadcast and scatter, only the root.
[[nodiscard]] constexpr bool sends(Collective collective, int rank, int root) {
  const bool root_only = collective == Collective::broadcast || collective == Collective::scatter;
  return !root_only || rank == root;
}

}  // namespace peal
