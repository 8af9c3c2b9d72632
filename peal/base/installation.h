// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

namespace peal {

// The folders to search, in this order, for files that Peal needs at run time: for headers, folders
// that contain peal/; and folders of platform files. They need not exist.
//
// If the environment variable PEAL_ROOT names the prefix of an installation, only that is searched.
// Otherwise: the prefix that the running program is installed in; the installation whose CMake
// package the program was linked with; the sources that the library was built from; and the prefix
// that the build was configured with.
[[nodiscard]] std::vector<std::filesystem::path> include_folders();
[[nodiscard]] std::vector<std::filesystem::path> platform_folders();

}  // namespace peal
