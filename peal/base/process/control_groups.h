// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <istream>
#include <string_view>
#include <vector>

namespace peal {

// The folders of the control groups (cgroups, version 1 or 2) whose limits for that controller,
// such as "memory", apply to a process: each group that it is in, and all ancestors of that group.
// `groups` is the text of /proc/self/cgroup, and `mounted` is where the hierarchies are mounted. A
// container may see its own group as the root, so a folder need not exist.
[[nodiscard]] std::vector<std::filesystem::path> control_groups(
    std::istream& groups, const std::filesystem::path& mounted, std::string_view controller);

}  // namespace peal
