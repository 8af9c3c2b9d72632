// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/collective.h"

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

ElementOrigin origin(Collective collective, const ResultElement& of) {
  const std::size_t in_own_block = static_cast<std::size_t>(of.rank) * of.count + of.offset;
  switch (collective) {
    case Collective::all_reduce:
    case Collective::reduce:
      return {.combined = true, .element = of.offset};
    case Collective::reduce_scatter:
      return {.combined = true, .element = in_own_block};
    case Collective::all_gather:
    case Collective::gather:
      return {.from = of.block, .element = of.offset};
    case Collective::all_to_all:
      return {.from = of.block, .element = in_own_block};
    case Collective::broadcast:
      return {.from = of.root, .element = of.offset};
    case Collective::scatter:
      return {.from = of.root, .element = in_own_block};
    case Collective::barrier:
      break;
  }
  PEAL_CHECK(collective != Collective::barrier);
  return {};
}

Collective parse_collective(std::string_view text) {
  std::string known;
  for (Collective collective : all_collectives) {
    if (text == name(collective)) return collective;
    known += known.empty() ? "" : ", ";
    known += name(collective);
  }
  throw UsageError(fmt::format("collective `{}` is unknown; use one of {}", text, known));
}

}  // namespace peal
