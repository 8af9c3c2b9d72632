// SPDX-License-Identifier: Apache-2.0
#include "peal/base/cache_folder.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <system_error>

#include "peal/base/error.h"

namespace peal {

namespace fs = std::filesystem;

fs::path cache_folder() {
  const auto variable = [](const char* name) -> fs::path {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const fs::path own = variable("PEAL_CACHE_DIR"); !own.empty()) return own;
  if (const fs::path all = variable("XDG_CACHE_HOME"); !all.empty()) return all / "peal";
  if (const fs::path home = variable("HOME"); !home.empty()) return home / ".cache" / "peal";
  return fs::temp_directory_path() / "peal";
}

fs::path made_cache_folder() {
  const fs::path folder = cache_folder();
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    throw Error(fmt::format("cache folder `{}` cannot be made: {}; set PEAL_CACHE_DIR to another",
                            folder.string(), failed.message()));
  }
  return folder;
}

}  // namespace peal
