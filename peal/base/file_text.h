// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace peal {

// The whole of a file, or what of it can be read: nothing of one in /proc whose process has gone.
[[nodiscard]] inline std::string file_text(const std::filesystem::path& path) {
  std::ostringstream text;
  // Not by iterators of the buffer, which throw where a read fails.
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace peal
