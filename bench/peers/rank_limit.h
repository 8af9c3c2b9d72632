// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace peal::peers {

// The ways in which ranks move the bytes of a collective without synchronisation. pull: each rank
// writes its own output; push: each rank writes its part of all outputs.
enum class LimitVariant : std::uint32_t { pull, pull_streaming, push, push_streaming, push_copied };

inline constexpr std::array limit_names{"pull", "pull, streaming", "push", "push, streaming",
                                        "push, copied"};

// A rank that measures the limit of the memory: loops over a shared file like Peal's windows,
// without any library. Returns the exit code.
[[nodiscard]] int serve_limit(const std::string& socket_path, std::uint32_t set, int rank,
                              int ranks);

}  // namespace peal::peers
