// SPDX-License-Identifier: Apache-2.0
#include "peal/base/process/control_groups.h"

#include <fmt/format.h>

#include <string>
#include <system_error>

namespace peal {

namespace fs = std::filesystem;

std::vector<fs::path> control_groups(std::istream& groups, const fs::path& mounted,
                                     std::string_view controller) {
  std::vector<fs::path> folders;
  // A line is "0::/user.slice" in version 2, and "4:cpu,cpuacct:/user.slice" in version 1.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    fs::path hierarchy = mounted;
    if (controllers.empty()) {
      std::error_code none;
      if (fs::exists(mounted / "unified", none)) hierarchy /= "unified";
    } else if (fmt::format(",{},", controllers).find(fmt::format(",{},", controller)) !=
               std::string::npos) {
      hierarchy /= controllers;
    } else {
      continue;
    }
    for (fs::path group = fs::path(line.substr(second + 1)).relative_path();;
         group = group.parent_path()) {
      folders.push_back(hierarchy / group);
      if (group.empty()) break;
    }
  }
  return folders;
}

}  // namespace peal
