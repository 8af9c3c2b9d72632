// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/collective.h"

#include <fmt/format.h>

#include <string>

#include "peal/base/error.h"

namespace peal {

const char* name(Collective collective) {
  static constexpr const char* names[] = {"all_reduce", "all_gather", "reduce_scatter",
                                          "all_to_all", "broadcast",  "reduce",
                                          "gather",     "scatter",    "barrier"};
  return names[static_cast<std::size_t>(collective)];
}

Collective parse_collective(std::string_view text) {
  std::string known;
  for (Collective collective : all_collectives) {
    if (text == name(collective)) return collective;
    known += known.empty() ? "" : ", ";
    known += name(collective);
  }
  throw Error(fmt::format("collective `{}` is unknown; use one of {}", text, known));
}

CollectiveShape shape(Collective collective, int ranks) {
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

bool receives(Collective collective, int rank, int root) {
  const bool root_only = collective == Collective::reduce || collective == Collective::gather;
  return !root_only || rank == root;
}

bool sends(Collective collective, int rank, int root) {
  const bool root_only = collective == Collective::broadcast || collective == Collective::scatter;
  return !root_only || rank == root;
}

}  // namespace peal
