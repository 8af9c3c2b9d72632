// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace peal::peers {

// Gloo's algorithms of all-reduce; of the other collectives it has one each.
enum class GlooVariant : std::uint32_t { ring, bcube, halving_doubling };

inline constexpr std::array gloo_names{"gloo", "gloo bcube", "gloo halving"};

}  // namespace peal::peers
