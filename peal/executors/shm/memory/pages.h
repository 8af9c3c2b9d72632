// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace peal {

inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

// Maps a file shared and writable, at an address that is a multiple of huge_page_bytes. Returns
// null, with errno, if the system refuses.
[[nodiscard]] std::byte* map_shared_file(int file, std::size_t size_bytes);

// Prefaults a range of such a mapping, so that no page fault falls into a transfer. A range of at
// least 512 KiB, widened to multiples of huge_page_bytes, gets huge pages: they cause fewer TLB
// misses, and prefaulting them is eight times as fast. If the system refuses, pages are allocated
// on first touch. Contents stay as they are, and other processes may be using them meanwhile.
void prefault(const std::byte* data, std::size_t size_bytes);

}  // namespace peal
