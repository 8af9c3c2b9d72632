// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/toml_file.h"

#include <fmt/format.h>

#include <sstream>

#include "peal/base/error.h"

namespace peal {

toml::table read_toml_file(const std::string& what, const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    throw Error(fmt::format("{} `{}` cannot be read: {} ({}); name an existing file of valid TOML",
                            what, path, error.description(), where.str()));
  }
}

}  // namespace peal
