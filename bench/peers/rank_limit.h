// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace peal::peers {

// The ways in which ranks move the bytes of a collective without a word to each other: each writes
// its own output, or each writes its part of everybody's.
enum class LimitVariant : std::uint32_t { pull, pull_streaming, push, push_streaming, push_copied };

inline constexpr std::array limit_names{"pull", "pull, streaming", "push", "push, streaming",
                                        "push, copied"};

// A rank of the memory's limit: no library at all, over a shared file like Peal's windows. Returns
// its exit code.
[[nodiscard]] int serve_limit(const std::string& socket_path, std::uint32_t set, int rank,
                              int ranks);

}  // namespace peal::peers
