// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace peal {

// A folder for a case file, with what case files may name: kernel.cpp, orch.cpp, include/.
class CaseFolder {
 public:
  CaseFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "peal-case-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ / "include");
    std::ofstream(path("kernel.cpp"));
    std::ofstream(path("orch.cpp"));
  }
  ~CaseFolder() { std::filesystem::remove_all(folder_); }
  CaseFolder(const CaseFolder&) = delete;
  CaseFolder& operator=(const CaseFolder&) = delete;

  [[nodiscard]] std::string path(std::string_view name) const { return (folder_ / name).string(); }

  // Writes the case file and returns its path.
  std::string write(std::string_view text) const {
    std::ofstream(path("case.toml")) << text;
    return path("case.toml");
  }

  // An error's text without "case file `...`" and what follows that.
  [[nodiscard]] std::string without_path(const std::string& text) const {
    const std::string subject = "case file `" + path("case.toml") + "`";
    if (!text.starts_with(subject)) return text;
    const std::size_t begin = subject.size();
    return text.substr(begin + (text[begin] == ':' ? 2 : 1));
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace peal
