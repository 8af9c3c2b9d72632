// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace peal::peers {

// The variants of Peal that are measured: buffers in windows, or in private memory as with the
// other libraries.
enum class PealVariant : std::uint32_t { windows, private_memory };

// A rank that `peal launch` has started; returns its exit code.
[[nodiscard]] int serve_peal(const std::string& socket_path, std::uint32_t set);

}  // namespace peal::peers
