// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace peal {

// The contents of a file, as far as they can be read: empty for a file in /proc whose process has
// ended.
[[nodiscard]] inline std::string file_text(const std::filesystem::path& path) {
  std::ostringstream text;
  // Not with std::istreambuf_iterator, which throws if a read fails.
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace peal
