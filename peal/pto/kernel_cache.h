// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace peal {

// What a folder of compiled kernels may hold.
struct CacheLimits {
  std::uintmax_t size_bytes = std::uintmax_t{1} << 30;
  std::chrono::hours unused{30 * 24};
};

// Says that an entry is used now.
void touch_cache_entry(const std::filesystem::path& entry);

// Removes from the folder the entries that nobody has used for so long, then the least recently
// used ones until the rest are small enough; `kept` stays in any case. Files that are no entries
// are left alone, and so is what cannot be removed.
void clean_cache(const std::filesystem::path& folder, const std::filesystem::path& kept,
                 const CacheLimits& limits);

}  // namespace peal
