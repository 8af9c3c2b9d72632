// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace peal::peers {

// What is measured of Peal: buffers in windows, and private memory as the peers have it.
enum class PealVariant : std::uint32_t { windows, private_memory };

// A rank that `peal launch` has started; returns its exit code.
[[nodiscard]] int serve_peal(const std::string& socket_path, std::uint32_t set);

}  // namespace peal::peers
