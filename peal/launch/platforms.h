// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/run/platform.h"

namespace peal {

// The sorted names of all platform files, without folder and ".toml". The folders are those of the
// environment variable PEAL_PLATFORM_PATH (separated by colons), then those of platform_folders();
// the first that holds a file of a name wins.
[[nodiscard]] std::vector<std::string> target_names();
// True if a platform file has that name.
[[nodiscard]] bool is_target(const std::string& name);

// Reads the platform file of a target, such as "a2a3", or of a path that ends in .toml. Throws
// Error if there is none.
[[nodiscard]] Platform load_platform(const std::string& target);

}  // namespace peal
