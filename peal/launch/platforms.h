// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/machine/platform.h"

namespace peal {

// The names of the platform files that can be found, without folder and ending, in order. They are
// looked for in the folders of the environment's PEAL_PLATFORM_PATH (separated by colons), beside
// the running program's installation, where Peal was installed, and in its sources.
[[nodiscard]] std::vector<std::string> target_names();

// The platform of a target ("a2a3") or of a .toml file's path.
[[nodiscard]] Platform load_platform(const std::string& target);

}  // namespace peal
