// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/api.h"

namespace PEAL_API peal {

// A simulated time since the start of a run, or a duration, in picoseconds.
using Picoseconds = std::int64_t;

inline constexpr Picoseconds picoseconds_per_ns = 1000;

}  // namespace peal
