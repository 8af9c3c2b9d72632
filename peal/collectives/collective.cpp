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

}  // namespace peal
