// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace peal {

// The output of `peal list`: the collectives with their algorithms, and the platforms.
[[nodiscard]] std::string list_text();

// The same as JSON, with the formulas of each algorithm.
[[nodiscard]] std::string list_json();

}  // namespace peal
