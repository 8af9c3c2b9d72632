// SPDX-License-Identifier: Apache-2.0
#include "peal/base/installation.h"

#include <cstdlib>
#include <system_error>

// The prefix of the installation that the program was linked with. The CMake package compiles the
// definition into every such program (cmake/peal-config.cmake.in); in others the symbol is null.
extern "C" [[gnu::weak]] const char* const peal_installation_prefix;

namespace peal {
namespace {

namespace fs = std::filesystem;

// `of_prefix` is relative to a prefix, or absolute if the build was configured so.
std::vector<fs::path> folders(const fs::path& of_prefix, const fs::path& of_sources) {
  const char* const root = std::getenv("PEAL_ROOT");
  if (root != nullptr && *root != '\0') return {root / of_prefix};
  std::vector<fs::path> result;
  std::error_code failed;  // a container may lack /proc; the other folders remain
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) result.push_back(program.parent_path().parent_path() / of_prefix);
  if (&peal_installation_prefix != nullptr) {
    result.push_back(fs::path(peal_installation_prefix) / of_prefix);
  }
  result.push_back(of_sources);
  result.push_back(PEAL_CONFIGURED_PREFIX / of_prefix);
  return result;
}

}  // namespace

std::vector<fs::path> include_folders() { return folders(PEAL_INCLUDE_FOLDER, PEAL_SOURCE_FOLDER); }

std::vector<fs::path> platform_folders() {
  return folders(fs::path(PEAL_DATA_FOLDER) / "peal" / "platforms",
                 fs::path(PEAL_SOURCE_FOLDER) / "platforms");
}

}  // namespace peal
