// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/case_folder.h"

namespace peal {

// A folder for the files of control groups, as if they were mounted there.
class GroupFolder {
 public:
  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = mounted() / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // What `read` says of a process in these groups, which are as in /proc/self/cgroup.
  template <class Read>
  [[nodiscard]] auto read(const Read& read, const std::string& groups) const {
    std::istringstream lines(groups);
    return read(lines, mounted());
  }

 private:
  [[nodiscard]] std::filesystem::path mounted() const { return folder_.path("."); }
  CaseFolder folder_;
};

}  // namespace peal
