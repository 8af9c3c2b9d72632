// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>

#include "peal/base/file_text.h"

namespace peal {

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

// The exit code of a process that is forked for that, or -1.
inline int code_of_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// How a program ended, and what it said.
struct Finished {
  int code = -1;  // -1 when a signal ended it
  std::string out, err;
};

// Runs a program with these arguments, which a shell takes apart, in the source tree, so that
// places in it are short.
inline Finished run_program(const std::string& program, const std::string& arguments) {
  const TemporaryFolder folder;
  const std::string command = "cd '" PEAL_SOURCE_DIR "'; ( '" + program + "' " + arguments +
                              " ) >'" + folder.path("out") + "' 2>'" + folder.path("err") +
                              "' </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, file_text(folder.path("out")),
          file_text(folder.path("err"))};
}

// The built `peal`.
inline Finished run_peal(const std::string& arguments) {
  return run_program(PEAL_BINARY, arguments);
}

// PEAL_UPDATE_GOLDEN=1 in the environment writes the files instead of comparing with them.
inline void expect_golden(const std::string& name, const std::string& arguments, int code = 0) {
  const Finished finished = run_peal(arguments);
  EXPECT_EQ(finished.code, code) << finished.err;
  const std::string path = PEAL_SOURCE_DIR "/tests/golden/" + name + ".txt";
  if (std::getenv("PEAL_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << finished.out;
    return;
  }
  EXPECT_EQ(finished.out, file_text(path)) << path << " is out of date, or peal " << arguments;
}

// Exit code 2, nothing on stdout, and one sentence that contains `part`.
inline void expect_misuse(const std::string& arguments, const std::string& part) {
  const Finished finished = run_peal(arguments);
  EXPECT_EQ(finished.code, 2) << arguments;
  EXPECT_EQ(finished.out, "") << arguments;
  EXPECT_TRUE(finished.err.starts_with("peal: ")) << arguments << ": " << finished.err;
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
  EXPECT_NE(finished.err.find(part), std::string::npos) << arguments << ": " << finished.err;
}

}  // namespace peal
