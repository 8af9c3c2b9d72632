// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace peal::peers {

// Gloo's algorithms for all-reduce. It has one algorithm for each other collective.
enum class GlooVariant : std::uint32_t { ring, bcube, halving_doubling };

inline constexpr std::array gloo_names{"gloo", "gloo bcube", "gloo halving"};

}  // namespace peal::peers
