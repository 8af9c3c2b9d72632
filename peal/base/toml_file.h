// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace peal {

// Parses TOML. Lets toml::parse_error out, which the caller translates to an Error that says where
// the text is from. Throws Error if the text nests so deep that the recursive parser could overflow
// the stack; `what` names the text in that Error.
[[nodiscard]] toml::table parse_toml(const std::string& what, std::string_view text,
                                     std::string_view path = {});

// Reads a TOML file of at most 16 MiB. Throws Error if it cannot be read or parsed; the text begins
// with `what`, such as "case file".
[[nodiscard]] toml::table read_toml_file(const std::string& what, const std::string& path);

}  // namespace peal
