// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace peal {

// Parses TOML; throws toml::parse_error or, for what nests so deep that the parser would run out of
// stack, Error, which says that `what` cannot be read.
[[nodiscard]] toml::table parse_toml(const std::string& what, std::string_view text,
                                     std::string_view path = {});

// Reads a TOML file; `what` it is, such as "case file", begins the Error where it cannot be read.
[[nodiscard]] toml::table read_toml_file(const std::string& what, const std::string& path);

}  // namespace peal
