// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>

#include "peal/base/api.h"

namespace PEAL_API peal {

// A member of a team, numbered from 0.
struct Rank {
  int index = 0;

  friend auto operator<=>(const Rank&, const Rank&) = default;
};

}  // namespace peal
