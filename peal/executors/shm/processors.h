// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <istream>

namespace peal {

// The processors that this process may use: by its affinity mask and its control group's quota.
[[nodiscard]] int usable_processors();

// The quota of a process's control groups in processors, or 0 where there is none. `groups` is as
// /proc/self/cgroup has it, the files of the groups are below `mounted`, in version 1 or 2.
[[nodiscard]] double group_quota(std::istream& groups, const std::filesystem::path& mounted);

// What so many processors have of the last-level caches that they share, all together.
[[nodiscard]] std::size_t shared_cache_bytes(int processors);

}  // namespace peal
