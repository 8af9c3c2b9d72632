// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdlib.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace peal {

// The whole of a file; empty when it cannot be read.
inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A folder of its own, gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "peal_test_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(folder_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string path(std::string_view name) const { return folder_ / name; }
  [[nodiscard]] auto file_count() const {
    return std::distance(std::filesystem::directory_iterator(folder_),
                         std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path folder_;
};

// How a program ended, and what it said.
struct Finished {
  int code = -1;  // -1 when a signal ended it
  std::string out, err;
};

// Runs the built `peal` with these arguments, which a shell takes apart.
inline Finished run_peal(const std::string& arguments) {
  const TemporaryFolder folder;
  const std::string command = "( '" PEAL_BINARY "' " + arguments + " ) >'" + folder.path("out") +
                              "' 2>'" + folder.path("err") + "' </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, file_text(folder.path("out")),
          file_text(folder.path("err"))};
}

}  // namespace peal
