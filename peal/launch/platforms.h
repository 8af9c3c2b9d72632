// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/run/platform.h"

namespace peal {

// The names of the platform files that can be found, without folder and ending, in order. They are
// looked for in the folders of the environment's PEAL_PLATFORM_PATH (separated by colons), and in
// those of platform_folders().
[[nodiscard]] std::vector<std::string> target_names();
// Whether it is one of them.
[[nodiscard]] bool is_target(const std::string& name);

// The platform of a target ("a2a3") or of a .toml file's path.
[[nodiscard]] Platform load_platform(const std::string& target);

}  // namespace peal
