// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/platforms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/installation.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders() {
  std::vector<fs::path> result;
  if (const char* paths = std::getenv("PEAL_PLATFORM_PATH"); paths != nullptr) {
    std::istringstream stream(paths);
    for (std::string path; std::getline(stream, path, ':');) {
      if (!path.empty()) result.emplace_back(path);
    }
  }
  for (fs::path& folder : platform_folders()) result.push_back(std::move(folder));
  return result;
}

std::optional<fs::path> find_platform_file(const std::string& target) {
  for (const fs::path& folder : folders()) {
    fs::path file = folder / (target + ".toml");
    std::error_code failed;
    if (fs::exists(file, failed)) return file;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> target_names() {
  std::set<std::string> names;
  for (const fs::path& folder : folders()) {
    std::error_code failed;  // a folder that does not exist holds no files
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
      if (entry.path().extension() == ".toml") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

bool is_target(const std::string& name) {
  return name.find('/') == name.npos && find_platform_file(name).has_value();
}

Platform load_platform(const std::string& target) {
  if (target.ends_with(".toml")) return read_platform(target);
  if (const std::optional<fs::path> file = find_platform_file(target)) {
    return read_platform(file->string());
  }
  throw UsageError(fmt::format(
      "platform file `{}.toml` is not found; set PEAL_PLATFORM_PATH to its folder", target));
}

}  // namespace peal
