// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

namespace peal {

// Where files that Peal needs while it runs may lie, the likeliest place first: the folder that
// holds peal/ with all headers, and the one of the platform files.
//
// With the environment's PEAL_ROOT, which is the prefix of an installation, there is only that.
// Otherwise: beside the running program, if it is installed with Peal; in the installation whose
// CMake package the program was linked by; in the sources that the library was built from; and in
// the prefix for which these were configured.
[[nodiscard]] std::vector<std::filesystem::path> include_folders();
[[nodiscard]] std::vector<std::filesystem::path> platform_folders();

}  // namespace peal
