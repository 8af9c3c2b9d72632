// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>

#include <string>

namespace peal {

// Reads a TOML file; `what` it is, such as "case file", begins the Error where it cannot be read.
[[nodiscard]] toml::table read_toml_file(const std::string& what, const std::string& path);

}  // namespace peal
