// SPDX-License-Identifier: Apache-2.0
#include "peal/base/installation.h"

#include <dlfcn.h>

#include <cstdlib>
#include <optional>
#include <system_error>

// The prefix of the installation that the program was linked with. The CMake package compiles the
// definition into every such program (cmake/peal-config.cmake.in); in others the symbol is null.
extern "C" [[gnu::weak]] const char* const peal_installation_prefix;

namespace peal {
namespace {

namespace fs = std::filesystem;

// The prefix that the shared library lies in; nothing for a static one, or one in a build tree.
std::optional<fs::path> prefix_of_library() {
  const auto function = &include_folders;
  Dl_info object = {};
  if (dladdr(reinterpret_cast<const void*>(function), &object) == 0) return std::nullopt;
  std::error_code failed;
  const fs::path file = fs::canonical(object.dli_fname, failed);
  if (failed) return std::nullopt;
  const std::string folder = file.parent_path(), suffix = "/" PEAL_LIBRARY_FOLDER;
  if (!folder.ends_with(suffix)) return std::nullopt;
  return folder.substr(0, folder.size() - suffix.size());
}

// `of_prefix` is relative to a prefix, or absolute if the build was configured so.
std::vector<fs::path> folders(const fs::path& of_prefix, const fs::path& of_sources) {
  const char* const root = std::getenv("PEAL_ROOT");
  if (root != nullptr && *root != '\0') return {root / of_prefix};
  std::vector<fs::path> result;
  std::error_code failed;  // a container may lack /proc; the other folders remain
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) result.push_back(program.parent_path().parent_path() / of_prefix);
  if (const auto prefix = prefix_of_library()) result.push_back(*prefix / of_prefix);
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
