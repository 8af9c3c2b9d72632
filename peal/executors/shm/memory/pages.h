// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace peal {

inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

// Maps a shared file, at a multiple of huge_page_bytes. Null when the system refuses.
[[nodiscard]] std::byte* map_shared_file(int file, std::size_t size_bytes);

// Takes the pages of a part of such a mapping at once, and not in the midst of a transfer. Of half
// a mebibyte and more they are huge ones, which reach to the next multiples of huge_page_bytes: a
// transfer then waits less for addresses to be translated, and taking them is eight times as fast.
// Where the system refuses, the pages come when they are used. Changes no contents; others may be
// using the memory.
void prefault(const std::byte* data, std::size_t size_bytes);

}  // namespace peal
