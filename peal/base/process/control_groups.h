// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <istream>
#include <string_view>
#include <vector>

namespace peal {

// The folders of the control groups that limit a process by that controller, such as "memory", of
// version 1 or 2: each group that it is in, and all that those lie in. `groups` is as
// /proc/self/cgroup has it, the hierarchies lie in `mounted`. A container may see its own group as
// the outermost one, so that a folder need not exist.
[[nodiscard]] std::vector<std::filesystem::path> control_groups(
    std::istream& groups, const std::filesystem::path& mounted, std::string_view controller);

}  // namespace peal
